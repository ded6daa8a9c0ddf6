"""Put the emulator's parts together into a web application and a server for it."""

import socket
import threading
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from devtools.paypal.api import api
from devtools.paypal.control import control
from devtools.paypal.errors import PayPalError, new_debug_id, not_found
from devtools.paypal.merchant import merchant
from devtools.paypal.oauth import oauth
from devtools.paypal.pages import pages
from devtools.paypal.sandbox import Sandbox
from devtools.paypal.web import SANDBOX, answer
from devtools.paypal.webhooks import certificates, webhooks
from devtools.paypal.wire import Wire

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_BLUEPRINTS = (oauth, api, webhooks, certificates, control, pages, merchant)


def create_app(sandbox: Sandbox) -> Flask:
    """Return the application that serves this sandbox."""
    app = Flask(__name__)
    app.extensions[SANDBOX] = sandbox
    app.json.sort_keys = False  # type: ignore[attr-defined]
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.before_request(_give_debug_id)
    app.after_request(_show_debug_id)
    app.register_error_handler(PayPalError, _show_paypal_error)
    app.register_error_handler(HTTPException, _show_http_error)
    app.wsgi_app = Wire(app.wsgi_app, sandbox)  # type: ignore[method-assign]
    return app


def _give_debug_id() -> None:
    g.debug_id = new_debug_id()


def _show_debug_id(response: Response) -> Response:
    if _is_api():
        response.headers["Paypal-Debug-Id"] = g.debug_id
    return response


def _show_paypal_error(error: PayPalError) -> Response:
    return answer(error.body(g.debug_id), error.status)


def _show_http_error(error: HTTPException) -> Any:
    """Answer an unknown API address as PayPal does, anything else as the framework does."""
    return _show_paypal_error(not_found()) if _is_api() and error.code == 404 else error


def _is_api() -> bool:
    return request.path.startswith(("/v1/", "/v2/"))


class _Handler(WSGIRequestHandler):
    """Leave the request log to the journal, and a cut connection alone."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def connection_dropped(
        self,
        error: BaseException,  # noqa: ARG002 - the base class names it
        environ: "WSGIEnvironment | None" = None,  # noqa: ARG002 - and it
    ) -> None:
        self.close_connection = True


class Server:
    """One emulator being served from a thread; `close` ends it.

    The listening socket is made first, so that the address is known (port 0 takes a free one)
    when links are built.
    """

    def __init__(self, listening: socket.socket, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._listening = listening
        host, port = listening.getsockname()[:2]
        self._server: BaseWSGIServer = make_server(
            host,
            port,
            create_app(sandbox),
            threaded=True,
            request_handler=_Handler,
            fd=listening.fileno(),
        )
        self._thread = threading.Thread(target=self._server.serve_forever, name="server")
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._listening.close()
        self.sandbox.close()


def listen(host: str, port: int) -> socket.socket:
    """Take the address that the emulator will serve."""
    return socket.create_server((host, port), backlog=128)
