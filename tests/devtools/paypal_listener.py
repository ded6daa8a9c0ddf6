"""A listener for webhooks: a small HTTP server that keeps what it is sent."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DEADLINE_SECONDS = 20


class Transmission:
    """One webhook as it arrived."""

    def __init__(self, headers: dict[str, str], raw: bytes) -> None:
        self.headers = headers
        self.raw = raw
        self.event: dict[str, Any] = json.loads(raw)

    @property
    def type(self) -> str:
        return str(self.event["event_type"])


class Listener:
    """Receive webhooks; the first answers may be told to be errors."""

    def __init__(self) -> None:
        self._arrival = threading.Condition()
        self._transmissions: list[Transmission] = []
        self._refusals = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    def refuse(self, times: int) -> None:
        """Answer the next requests with 500."""
        self._refusals = times

    def wait_for(self, count: int) -> list[Transmission]:
        """Return what has arrived once there are this many."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        with self._arrival:
            while len(self._transmissions) < count:
                left = deadline - time.monotonic()
                assert left > 0, f"Only {len(self._transmissions)} of {count} webhooks arrived."
                self._arrival.wait(left)
            return list(self._transmissions)

    @property
    def arrived(self) -> list[Transmission]:
        with self._arrival:
            return list(self._transmissions)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _take(self, headers: dict[str, str], raw: bytes) -> int:
        with self._arrival:
            self._transmissions.append(Transmission(headers, raw))
            self._arrival.notify_all()
            status = 500 if self._refusals > 0 else 200
            self._refusals -= 1
            return status

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(take(dict(self.headers), raw))
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        return Handler
