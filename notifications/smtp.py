"""Django's SMTP backend with one connection for each thread, pipelined where the server offers it.

With PIPELINING (RFC 2920) the envelope and DATA go out together: an email costs two round trips
instead of four. TLS certificates are verified, as Django's own backend does.
"""

import re
import smtplib
import threading
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends import smtp
from django.core.mail.message import sanitize_address

from notifications.mime import WrittenEmail

_IDLE_SECONDS = 1.0  # after so long a connection is asked whether it still lives
_OK = 250
_TAKEN = {250, 251}
_GO_AHEAD = 354
_GOING_DOWN = 421
_PLAIN = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+")
_held = threading.local()

Code = tuple[int, bytes]


class _Pipelining(smtplib.SMTP):
    """smtplib's client, whose `sendmail` sends the whole envelope at once."""

    used_at = 0.0

    def is_dead(self) -> bool:
        """Say whether the server has hung up; one that was idle is asked."""
        if self.sock is None:
            return True
        if time.monotonic() - self.used_at < _IDLE_SECONDS:
            return False
        try:
            return self.noop()[0] != _OK
        except OSError:  # every error of smtplib is one
            return True

    def sendmail(
        self,
        from_addr: str,
        to_addrs: str | Sequence[str],
        msg: Any,  # bytes or str, as in smtplib
        mail_options: Sequence[str] = (),
        rcpt_options: Sequence[str] = (),
    ) -> dict[str, Code]:
        """Send one message; its body waits for the server's 354."""
        self.ehlo_or_helo_if_needed()
        if not self.has_extn("pipelining") or isinstance(msg, str):
            return super().sendmail(from_addr, to_addrs, msg, mail_options, rcpt_options)
        recipients = [to_addrs] if isinstance(to_addrs, str) else list(to_addrs)
        options = [*([f"size={len(msg)}"] if self.has_extn("size") else []), *mail_options]
        envelope = [
            _command("MAIL FROM", from_addr, options),
            *(_command("RCPT TO", address, rcpt_options) for address in recipients),
            "DATA",
        ]
        self.send("".join(f"{line}\r\n" for line in envelope))
        refused = self._judge(from_addr, recipients, [self._answer() for _ in envelope])
        self._send_body(msg)
        return refused

    def _judge(
        self, sender: str, recipients: Sequence[str], answers: Sequence[Code]
    ) -> dict[str, Code]:
        """Return which recipients were refused, or raise why no body may follow."""
        first, *each, last = answers
        refused = {
            address: code
            for address, code in zip(recipients, each, strict=True)
            if code[0] not in _TAKEN
        }
        problem: smtplib.SMTPException | None = None
        if first[0] != _OK:
            problem = smtplib.SMTPSenderRefused(*first, sender)
        elif len(refused) == len(recipients):
            problem = smtplib.SMTPRecipientsRefused(refused)
        elif last[0] != _GO_AHEAD:
            problem = smtplib.SMTPDataError(*last)
        if problem:
            self._abandon(is_open=last[0] == _GO_AHEAD)
            raise problem
        return refused

    def _abandon(self, *, is_open: bool) -> None:
        """End a transaction without a message; a server that said 354 all the same gets a dot."""
        if is_open:
            self.send(b".\r\n")
            self._answer()
        self.rset()

    def _send_body(self, content: bytes) -> None:
        self.send(_dotted(content))
        code, said = self._answer()
        if code != _OK:
            self.rset()
            raise smtplib.SMTPDataError(code, said)

    def _answer(self) -> Code:
        code, said = self.getreply()
        if code == _GOING_DOWN:
            self.close()
            raise smtplib.SMTPResponseException(code, said)
        return code, said


class _PipeliningTLS(_Pipelining, smtplib.SMTP_SSL):
    """The same over a connection that is encrypted from its start."""


class EmailBackend(smtp.EmailBackend):
    """Sends over the connection that this thread holds to the same server, or opens it."""

    @property
    def connection_class(self) -> type[_Pipelining]:
        return _PipeliningTLS if self.use_ssl else _Pipelining

    def open(self) -> bool | None:
        """Have a living connection; return whether it is new."""
        held = _connections().get(self._server())
        self.connection = held
        if held is not None and held.is_dead():
            self.close()
        is_new = super().open()
        if isinstance(self.connection, _Pipelining):
            self.connection.used_at = time.monotonic()
            _connections()[self._server()] = self.connection
        return is_new

    def close(self) -> None:
        """Hang up; the next email opens a new connection."""
        self.connection = _connections().pop(self._server(), None)
        try:
            super().close()
        except OSError:  # it was gone before we said goodbye
            self.connection = None

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send them and keep the connection; return how many were sent."""
        with self._lock:
            self.open()
            if not isinstance(self.connection, _Pipelining):  # it failed silently, as asked for
                return 0
            return sum(self._hand_over(self.connection, message) for message in email_messages)

    def _hand_over(self, connection: _Pipelining, message: EmailMessage) -> bool:
        encoding = message.encoding or settings.DEFAULT_CHARSET
        recipients = _recipients(message, encoding)
        if not recipients:
            return False
        try:
            sender = _sender(message.from_email, encoding)
            connection.sendmail(sender, recipients, _content(message))
        except smtplib.SMTPException:
            if not self.fail_silently:
                raise
            return False
        finally:
            connection.used_at = time.monotonic()
        return True

    def _server(self) -> tuple[object, ...]:
        return (self.host, self.port, self.username, self.password, self.use_tls, self.use_ssl)


class _Connections(dict[tuple[object, ...], _Pipelining]):
    """One thread's open connections by server; they end with the thread."""

    def __del__(self) -> None:
        for connection in self.values():
            connection.close()


def _connections() -> _Connections:
    if not hasattr(_held, "connections"):
        _held.connections = _Connections()
    found: _Connections = _held.connections
    return found


def hang_up() -> None:
    """Close every connection of this thread."""
    connections = _connections()
    while connections:
        connections.popitem()[1].close()


@lru_cache(maxsize=64)
def _sender(address: str, encoding: str) -> str:
    return sanitize_address(address, encoding)


def _recipients(message: EmailMessage, encoding: str) -> list[str]:
    if isinstance(message, WrittenEmail):
        return [message.recipient.address]
    return [sanitize_address(one, encoding) for one in message.recipients()]


def _content(message: EmailMessage) -> bytes:
    if isinstance(message, WrittenEmail):
        return message.content()
    # Django's own MIME classes take it, which the stubs do not know.
    return message.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]


def _command(verb: str, address: str, options: Sequence[str]) -> str:
    # smtplib takes an address apart to quote it, at the cost of a whole envelope.
    quoted = f"<{address}>" if _PLAIN.fullmatch(address) else smtplib.quoteaddr(address)
    line = " ".join([f"{verb}:{quoted}", *options])
    if "\r" in line or "\n" in line:
        raise ValueError("An address holds a line break.")
    return line


def _dotted(content: bytes) -> bytes:
    """Return the message as DATA wants it: no line of its own is a lone dot, the last one is."""
    body = content.replace(b"\n.", b"\n..")
    body = b"." + body if body.startswith(b".") else body
    return body + (b".\r\n" if body.endswith(b"\r\n") else b"\r\n.\r\n")
