"""Both sides of the mailbox together, in threads of the process that starts them."""

import logging
from threading import Thread
from types import TracebackType
from typing import Self

from werkzeug.serving import WSGIRequestHandler, make_server

from devtools.mailbox.faults import Faults
from devtools.mailbox.smtp import SmtpServer
from devtools.mailbox.store import Store
from devtools.mailbox.web import create_app


class _KeepAlive(WSGIRequestHandler):
    """Keeps connections open: the page asks again and again."""

    protocol_version = "HTTP/1.1"


class MailboxServer:
    """A running mailbox: `with MailboxServer(http_port=…, smtp_port=…):`."""

    def __init__(self, *, http_port: int, smtp_port: int, pipelining: bool = True) -> None:
        store, faults = Store(), Faults()
        logging.getLogger("werkzeug").setLevel(logging.WARNING)  # not a line for each request
        self._smtp = SmtpServer(store, faults, port=smtp_port, pipelining=pipelining)
        self._http = make_server(
            "127.0.0.1",
            http_port,
            create_app(store, faults),
            threaded=True,
            request_handler=_KeepAlive,
        )
        self._thread = Thread(target=self._http.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self.smtp_port = smtp_port

    def __enter__(self) -> Self:
        self._smtp.start()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._smtp.stop()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
