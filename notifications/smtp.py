"""Django's SMTP backend with one connection for each thread, pipelined where the server offers it.

With PIPELINING (RFC 2920) the envelope and DATA go out together: an email costs two round trips
instead of four. TLS certificates are verified, as Django's own backend does.
"""

import math
import smtplib
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends import smtp
from django.core.mail.message import sanitize_address

from notifications.mime import WrittenEmail

_IDLE_SECONDS = 1.0  # after so long a connection is asked whether it still lives
_SHORTEST_WAIT = 0.05
_LEAVE_SECONDS = 2.0  # what an answer is worth that changes nothing
_OK = 250
_TAKEN = {250, 251}
_GO_AHEAD = 354
_GOING_DOWN = 421
_BYE = 221
_held = threading.local()

Code = tuple[int, bytes]


class _Pipelining(smtplib.SMTP):
    """smtplib's client, which sends a message in steps: whoever sends can do other work between.

    `announce`, `hand_over`, `confirm`. A server without PIPELINING gets everything at `hand_over`.
    """

    used_at = 0.0
    _patience: float | None = None
    _wait_until = 0.0
    _announced: tuple[str, Sequence[str]] | None = None
    _is_unconfirmed = False

    def is_dead(self) -> bool:
        """Say whether no message can begin on it: the server has hung up, or one was left amid.

        A connection that was idle is asked.
        """
        if self.sock is None or self._is_amid:
            return True
        if time.monotonic() - self.used_at < _IDLE_SECONDS:
            return False
        try:
            self._allow_time()
            return self.noop()[0] != _OK
        except OSError:  # every error of smtplib is one
            return True

    def announce(self, sender: str, recipients: Sequence[str], size: int) -> None:
        """Send a message's envelope and DATA, and await no answer."""
        self._allow_time()
        self.ehlo_or_helo_if_needed()
        if self.is_pipelining:
            options = [f"size={size}"] if self.has_extn("size") else []
            envelope = [
                _command("MAIL FROM", sender, options),
                *(_command("RCPT TO", address, ()) for address in recipients),
                "DATA",
            ]
            self.send("".join(f"{line}\r\n" for line in envelope))
        self._announced = sender, recipients

    def hand_over(self, content: bytes) -> None:
        """Send the announced message's body, which waits for the server's 354."""
        if self._announced is None:
            raise ValueError("No message was announced.")
        sender, recipients = self._announced
        if not self.is_pipelining:
            self._announced = None
            self._send_step_by_step(sender, recipients, content)
            return
        self._judge(sender, recipients, [self._answer() for _ in range(len(recipients) + 2)])
        self._announced, self._is_unconfirmed = None, True
        self._allow_time()
        self.send(_dotted(content))

    def confirm(self) -> None:
        """Await that the server has the message."""
        if not self._is_unconfirmed:
            return
        code, said = self._answer()
        self._is_unconfirmed = False
        if code != _OK:
            self._begin_anew()
            raise smtplib.SMTPDataError(code, said)

    def quit(self) -> Code:
        """Take leave; amid a message, where a command would be read as its text, just hang up."""
        if self._is_amid:
            self.close()
            return _BYE, b""
        self._allow_time(_LEAVE_SECONDS)
        return super().quit()

    @property
    def is_pipelining(self) -> bool:
        return self.has_extn("pipelining")

    @property
    def _is_amid(self) -> bool:
        return self._announced is not None or self._is_unconfirmed

    def _judge(self, sender: str, recipients: Sequence[str], answers: Sequence[Code]) -> None:
        """Raise why no body may follow, if none may."""
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

    def _abandon(self, *, is_open: bool) -> None:
        """End a transaction without a message; a server that said 354 all the same gets a dot."""
        if is_open:
            self._allow_time(_LEAVE_SECONDS)
            with suppress(smtplib.SMTPServerDisconnected):
                self.send(b".\r\n")
                self._answer()
        self._begin_anew()
        self._announced = None

    def _begin_anew(self) -> None:
        """Let the server forget the transaction; one that will not is left, and its word stands."""
        self._allow_time(_LEAVE_SECONDS)
        with suppress(smtplib.SMTPServerDisconnected):
            self.rset()

    def _send_step_by_step(self, sender: str, recipients: Sequence[str], content: bytes) -> None:
        try:
            self.sendmail(sender, recipients, content)
        except smtplib.SMTPDataError:  # smtplib leaves the transaction open
            self._begin_anew()
            raise

    def _allow_time(self, most: float = math.inf) -> None:
        """Begin to wait: silence on several connections is waited out at once, not in turn."""
        if self.sock is None:
            return
        if self._patience is None:
            self._patience = self.sock.gettimeout()
        if self._patience is not None:
            patience = min(most, self._patience)
            self.sock.settimeout(patience)
            self._wait_until = time.monotonic() + patience

    def _answer(self) -> Code:
        if self._patience and self.sock:
            self.sock.settimeout(max(_SHORTEST_WAIT, self._wait_until - time.monotonic()))
        code, said = self.getreply()
        if code == _GOING_DOWN:
            self.close()
            raise smtplib.SMTPResponseException(code, said)
        return code, said


class _PipeliningTLS(_Pipelining, smtplib.SMTP_SSL):
    """The same over a connection that is encrypted from its start."""


class EmailBackend(smtp.EmailBackend):
    """Sends over the connection that this thread holds to the same server, or opens it.

    A thread that sends several emails at once has a connection for each `number` (ADR 12).
    """

    number = 0

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
            return sum(self._send_whole(email) for email in email_messages if email.recipients())

    def _send_whole(self, message: EmailMessage) -> bool:
        try:
            self.announce(message)
            self.hand_over()
            self.confirm()
        except smtplib.SMTPException:
            if not self.fail_silently:
                raise
            return False
        return True

    def announce(self, message: EmailMessage) -> None:
        """Tell the server of a message; `hand_over` and `confirm` must follow, or `close`."""
        encoding = message.encoding or settings.DEFAULT_CHARSET
        self._content = _content(message)
        envelope = (
            _sender(message.from_email, encoding),
            _recipients(message, encoding),
            len(self._content),
        )
        is_new = self.open()
        try:
            self._living().announce(*envelope)
        except smtplib.SMTPServerDisconnected:
            if is_new:
                raise
            self.close()  # the kept connection had ended
            self.open()
            self._living().announce(*envelope)

    def hand_over(self) -> None:
        """Send what was announced, without waiting until the server has it."""
        self._living().hand_over(self._content)

    def confirm(self) -> None:
        """Wait until the server has what was handed over."""
        connection = self._living()
        connection.confirm()
        connection.used_at = time.monotonic()

    @property
    def is_pipelining(self) -> bool:
        return isinstance(self.connection, _Pipelining) and self.connection.is_pipelining

    def _living(self) -> _Pipelining:
        if not isinstance(self.connection, _Pipelining):
            raise smtplib.SMTPServerDisconnected("There is no connection.")
        return self.connection

    def _server(self) -> tuple[object, ...]:
        return (
            self.host,
            self.port,
            self.username,
            self.password,
            self.use_tls,
            self.use_ssl,
            self.number,
        )


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
    line = " ".join([f"{verb}:{_quoted(address)}", *options])
    if "\r" in line or "\n" in line:
        raise ValueError("An address holds a line break.")
    return line


@lru_cache(maxsize=1024)
def _quoted(address: str) -> str:
    return smtplib.quoteaddr(address)


def _dotted(content: bytes) -> bytes:
    """Return the message as DATA wants it: no line of its own is a lone dot, the last one is."""
    body = content.replace(b"\n.", b"\n..")
    body = b"." + body if body.startswith(b".") else body
    return body + (b".\r\n" if body.endswith(b"\r\n") else b"\r\n.\r\n")
