"""A PayPal that answers every call with what a test wrote down, for answers no emulator gives."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

_TOKEN = b'{"access_token": "A21", "token_type": "Bearer", "expires_in": 32400}'


class _Handler(BaseHTTPRequestHandler):
    """Give a token to whoever asks; any other call gets the next answer, the last one for ever."""

    answers: ClassVar[list[tuple[int, bytes]]] = []
    tokens: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self._answer(*(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self.path == "/v1/oauth2/token":
            self.tokens.append(self.headers["Authorization"])
            self._answer(200, _TOKEN)
        else:
            self.do_GET()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class CannedPayPal:
    """Serves on a free port of this machine until it is closed."""

    def __init__(self) -> None:
        self._handler: type[_Handler] = type("_OwnHandler", (_Handler,), {"answers": []})
        self._handler.tokens = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.01])
        self._thread.start()

    def answer(self, *answers: tuple[int, object]) -> None:
        """Answer with these: status and JSON, or the body's very bytes."""
        self._handler.answers[:] = [
            (status, body if isinstance(body, bytes) else json.dumps(body).encode())
            for status, body in answers
        ]

    @property
    def tokens_given(self) -> int:
        return len(self._handler.tokens)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
