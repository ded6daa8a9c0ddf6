"""What the API, the pages and the control API share about a request."""

from typing import Any, cast

from flask import Response, current_app, jsonify, request

from devtools.paypal.errors import PayPalError, invalid_request
from devtools.paypal.faults import Fault
from devtools.paypal.records import JSON
from devtools.paypal.sandbox import Sandbox

SANDBOX = "paypal_sandbox"
FAULT = "paypal.fault"


def the_sandbox() -> Sandbox:
    """Return the sandbox that this application serves."""
    return cast(Sandbox, current_app.extensions[SANDBOX])


def the_fault() -> Fault | None:
    """Return the fault that this request meets."""
    return cast(Fault | None, request.environ.get(FAULT))


def request_id() -> str | None:
    """Return the caller's PayPal-Request-Id, at most 108 characters long."""
    value = request.headers.get("PayPal-Request-Id")
    if value is not None and not 1 <= len(value) <= 108:
        raise invalid_request("INVALID_STRING_LENGTH", "PayPal-Request-Id", value)
    return value


def wants_representation() -> bool:
    return request.headers.get("Prefer", "").replace(" ", "") == "return=representation"


def json_body() -> Any:
    """Return the request's JSON; an empty body counts as an empty object."""
    if request.mimetype != "application/json":
        raise PayPalError(415)
    if not request.data:
        return {}
    body = request.get_json(silent=True)
    if body is None:
        raise invalid_request("MALFORMED_REQUEST_JSON")
    return body


def answer(body: JSON, status: int = 200) -> Response:
    """Return JSON with a status."""
    response = jsonify(body)
    response.status_code = status
    return response
