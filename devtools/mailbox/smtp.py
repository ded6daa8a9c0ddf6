"""SMTP in: accept everything, unless a fault says otherwise."""

import asyncio
import ssl
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from devtools.mailbox.faults import Faults
from devtools.mailbox.store import Store

_LARGEST_MESSAGE = 50_000_000
_ROUNDS_TO_END = 5  # of the event loop, until every connection's end was heard of


class _Server(SMTP):
    """aiosmtpd's server, which can also hang up before its banner."""

    def __init__(
        self,
        handler: "_Handler",
        faults: Faults,
        connections: "dict[_Server, asyncio.Transport]",
        **options: Any,
    ) -> None:
        super().__init__(handler, **options)
        self._faults = faults
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._faults.take("refuse_connect"):
            transport.close()
        else:
            if isinstance(transport, asyncio.Transport):
                self._connections[self] = transport  # STARTTLS puts another in its place
            super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.pop(self, None)
        if self.session is not None:  # else it was refused and never greeted
            super().connection_lost(error)


class _Handler:
    """What aiosmtpd asks at each step; its method names are aiosmtpd's."""

    def __init__(self, store: Store, faults: Faults, *, pipelining: bool) -> None:
        self._store = store
        self._faults = faults
        self._offers = ["250-PIPELINING"] if pipelining else []

    async def handle_EHLO(  # noqa: N802
        self, _: SMTP, session: Session, __: Envelope, name: str, answers: list[str]
    ) -> list[str]:
        session.host_name = name
        return [*answers[:-1], *self._offers, answers[-1]]

    async def handle_RCPT(  # noqa: N802
        self, _: SMTP, __: Session, envelope: Envelope, to: str, ___: list[str]
    ) -> str:
        fault = self._faults.take("tempfail_451", "permfail_550")
        if fault is not None:
            return _REFUSALS[fault.kind]
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, _: SMTP, __: Session, envelope: Envelope
    ) -> str:
        content = envelope.original_content or b""
        self._store.add(list(envelope.rcpt_tos), content)
        fault = self._faults.take("slow_dot")
        if fault is not None:
            await asyncio.sleep(fault.delay_ms / 1000)
        return "250 OK: kept"


_REFUSALS = {
    "tempfail_451": "451 4.3.0 Mailbox busy, try again later",
    "permfail_550": "550 5.1.1 No such mailbox",
}


class SmtpServer(Controller):
    """The SMTP side, in a thread of its own. With a TLS context it insists on STARTTLS."""

    def __init__(
        self,
        store: Store,
        faults: Faults,
        *,
        port: int,
        pipelining: bool = True,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._faults = faults
        self._tls_context = tls_context
        self._connections: dict[_Server, asyncio.Transport] = {}
        handler = _Handler(store, faults, pipelining=pipelining)
        super().__init__(handler, hostname="127.0.0.1", port=port)

    def factory(self) -> SMTP:
        return _Server(
            self.handler,
            self._faults,
            self._connections,
            hostname="mailbox.localhost",
            ident="Mailbox",
            data_size_limit=_LARGEST_MESSAGE,
            enable_SMTPUTF8=True,
            tls_context=self._tls_context,
            require_starttls=self._tls_context is not None,
        )

    def stop(self, no_assert: bool = False) -> None:
        """Hang up on everyone, then end."""
        asyncio.run_coroutine_threadsafe(self._hang_up(), self.loop).result()
        super().stop(no_assert)

    async def _hang_up(self) -> None:
        for transport in list(self._connections.values()):
            transport.abort()
        for _ in range(_ROUNDS_TO_END):
            await asyncio.sleep(0)
