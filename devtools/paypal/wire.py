"""The line between the shop and the emulator: what is noted of it, and how it fails.

A WSGI layer around the application. It keeps the journal, refuses a call whose twin is still
being worked on, and spoils answers as the ordered faults say.
"""

import contextlib
import json
import os
import re
import socket
import struct
import time
from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any

from werkzeug.datastructures import EnvironHeaders, Headers
from werkzeug.exceptions import HTTPException
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response
from werkzeug.wsgi import get_input_stream

from devtools.paypal.clock import timestamp
from devtools.paypal.errors import PayPalError, new_debug_id
from devtools.paypal.faults import Fault, route_of
from devtools.paypal.idempotency import InProgress
from devtools.paypal.payments import pass_due_reviews
from devtools.paypal.records import new_id
from devtools.paypal.sandbox import Sandbox
from devtools.paypal.web import FAULT

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_LONGEST_REQUEST = 1_000_000
_LONGEST_SILENCE_SECONDS = 120.0
_ERROR_STATUS = {"http_500": 500, "http_503": 503, "rate_limit": 429}
_BAD_GATEWAY = (
    b"<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"
)


class Wire:
    """Pass PayPal's API calls through to the application, and everything else untouched."""

    def __init__(self, app: "WSGIApplication", sandbox: Sandbox) -> None:
        self._app = app
        self._sandbox = sandbox
        self._in_progress = InProgress()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        if not environ["PATH_INFO"].startswith(("/v1/", "/v2/")):
            return self._app(environ, start_response)
        try:
            body = _read_body(environ)
        except HTTPException as refusal:
            return refusal.get_response(environ)(environ, start_response)
        entry = self._sandbox.journal.open(
            timestamp(self._sandbox.clock.now()),
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"],
            dict(EnvironHeaders(environ)),
            body,
        )
        try:
            response = self._answer(environ)
        except ConnectionError:
            self._sandbox.journal.close(entry, None)
            raise
        self._sandbox.journal.close(entry, response.status_code)
        return response(environ, start_response)

    def _answer(self, environ: "WSGIEnvironment") -> Response:
        route = route_of(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        fault = self._sandbox.faults.take(route)
        try:
            with self._in_progress.alone(route, environ.get("HTTP_PAYPAL_REQUEST_ID")):
                response = self._work(environ, fault)
        except PayPalError as error:
            return _error(error)
        if fault and fault.kind == "timeout_after_commit":
            _stay_silent(environ["werkzeug.socket"], fault.delay_ms / 1000)
            _reset(environ["werkzeug.socket"])
        return response

    def _work(self, environ: "WSGIEnvironment", fault: Fault | None) -> Response:
        if fault is None:
            return self._pass_on(environ)
        if fault.kind != "timeout_after_commit":
            time.sleep(fault.delay_ms / 1000)
        if fault.kind == "reset":
            _reset(environ["werkzeug.socket"])
        if fault.kind == "html_502":
            return Response(_BAD_GATEWAY, 502, mimetype="text/html")
        if fault.kind in _ERROR_STATUS:
            return _error(PayPalError(_ERROR_STATUS[fault.kind]))
        environ[FAULT] = fault
        return _spoil(self._pass_on(environ), fault.kind)

    def _pass_on(self, environ: "WSGIEnvironment") -> Response:
        pass_due_reviews(self._sandbox)
        chunks, status, headers = run_wsgi_app(self._app, environ, buffered=True)
        return Response(b"".join(chunks), status, headers)


def _read_body(environ: "WSGIEnvironment") -> bytes:
    """Read the request's body, at most a megabyte, and put it back."""
    body = get_input_stream(environ, max_content_length=_LONGEST_REQUEST).read()
    environ["wsgi.input"] = BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    return body


def _error(error: PayPalError) -> Response:
    debug_id = new_debug_id()
    headers = Headers({"Paypal-Debug-Id": debug_id})
    if error.status == 429:
        headers["Retry-After"] = "1"
    body = json.dumps(error.body(debug_id))
    return Response(body, error.status, headers, mimetype="application/json")


def _spoil(response: Response, kind: str) -> Response:
    """Change an answer whose work is done."""
    body = response.get_data()
    if kind == "truncated":
        response.headers["Connection"] = "close"
        # Not set_data(), which would make the announced length true.
        response.response = [body[: len(body) // 2]]
    elif kind == "empty":
        response.set_data(b"")
    elif kind == "huge":
        response.set_data(body[:-2] + b',"padding":"' + b"x" * 20_000_000 + b'"}\n')
    elif kind in {"other_id", "other_amount", "other_currency"}:
        response.set_data(json.dumps(_altered(json.loads(body), kind)))
    return response


def _altered(value: Any, kind: str) -> Any:
    """Return the answer as if it were about another order or another sum."""
    if isinstance(value, list):
        return [_altered(item, kind) for item in value]
    if not isinstance(value, dict):
        return value
    altered = {name: _altered(item, kind) for name, item in value.items()}
    if kind == "other_id" and "id" in altered:
        altered |= {name: new_id() for name in ("id", "custom_id") if name in altered}
    if kind == "other_amount" and "currency_code" in altered:
        altered["value"] = re.sub(r"^-?\d+", "1", altered["value"])
    if kind == "other_currency" and "currency_code" in altered:
        altered["currency_code"] = "EUR" if altered["currency_code"] != "EUR" else "USD"
    return altered


def _stay_silent(connection: socket.socket, seconds: float) -> None:
    """Wait until the caller gives up, or this long (two minutes when it is 0)."""
    connection.settimeout(seconds or _LONGEST_SILENCE_SECONDS)
    # Nothing to read is the usual end; a caller who left counts just the same.
    with contextlib.suppress(OSError):
        connection.recv(1, socket.MSG_PEEK)


def _reset(connection: socket.socket) -> None:
    """Cut the connection with a TCP RST; never returns."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())
    raise ConnectionResetError("Cut on purpose.")
