"""Hand emails to the mail server through Django's `EMAIL_BACKEND`, over one open connection."""

import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from notifications.smtp import EmailBackend

_GOING_DOWN = 421
_TEMPORARY = range(400, 500)
# Providers with an HTTP API (Anymail): these answers are about now, other 4xx about the email.
_HTTP_NOT_NOW = {408, 425, 429}
_HTTP_NEVER = range(400, 500)


class MailServerAway(Exception):
    """The server takes nothing at all now: refused at connect, banner or EHLO, or 421."""


class Answer(Enum):
    """What the server said to one email."""

    ACCEPTED = auto()
    NOT_NOW = auto()  # 4xx: this email, later
    NEVER = auto()  # 5xx
    NONE = auto()  # the connection was lost: it may or may not have the email
    AWAY = auto()  # 421: it closes for everyone, and has not taken the email


@dataclass(frozen=True, slots=True)
class Reply:
    """The server's answer and its words."""

    answer: Answer
    text: str = ""


class Mailer:
    """One connection to the mail server, opened when needed.

    An email is sent by `announce`, `hand_over` and `reply`; what is done between them is done while
    the server works. A backend that knows no such steps sends it at `hand_over`.
    """

    def __init__(self, number: int = 0) -> None:
        self._connection = get_connection()
        self._stepping = self._connection if isinstance(self._connection, EmailBackend) else None
        if self._stepping:
            self._stepping.number = number
        self._email = EmailMessage()
        self._reply = Reply(Answer.NONE)

    @property
    def sends_in_steps(self) -> bool:
        return self._stepping is not None

    @property
    def is_pipelining(self) -> bool:
        return self._stepping is not None and self._stepping.is_pipelining

    def open(self) -> None:
        """Have an open connection, or raise `MailServerAway`."""
        try:
            self._connection.open()
        except OSError as error:  # every error of smtplib is one
            raise MailServerAway(str(error)) from error
        except Exception as error:
            if self._stepping:
                raise
            raise MailServerAway(f"{type(error).__name__}: {error}") from error

    def announce(self, email: EmailMessage) -> None:
        """Prepare to hand over one email, or raise `MailServerAway`; nothing of it is sent yet."""
        self._email, self._reply = email, Reply(Answer.ACCEPTED)
        if not self._stepping:
            self.open()
            return
        try:
            self._stepping.announce(email)
        except OSError as error:
            self.close()
            raise MailServerAway(str(error)) from error
        except ValueError as error:  # what no envelope can carry
            self._reply = Reply(Answer.NEVER, str(error))

    def hand_over(self) -> None:
        """Send the announced email."""
        if self._stepping:
            self._go_on(self._stepping.hand_over)
        else:
            self._go_on(lambda: self._connection.send_messages([self._email]))

    def reply(self) -> Reply:
        """Return what the server said to it."""
        if self._stepping:
            self._go_on(self._stepping.confirm)
        return self._reply

    def _go_on(self, step: Callable[[], object]) -> None:
        if self._reply.answer is Answer.ACCEPTED:
            self._reply = self._judged(step)

    def _judged(self, step: Callable[[], object]) -> Reply:
        try:
            step()
        except (smtplib.SMTPServerDisconnected, TimeoutError) as error:
            self.close()
            return Reply(Answer.NONE, str(error))
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as error:
            return self._refusal(error)
        except smtplib.SMTPNotSupportedError as error:
            return Reply(Answer.NEVER, str(error))
        except Exception as error:  # noqa: BLE001 - other backends have errors of their own
            self.close()
            return _judge(error)
        return Reply(Answer.ACCEPTED)

    def close(self) -> None:
        try:
            self._connection.close()
        except OSError:
            # The server is gone; Django has let go of the socket all the same.
            return

    def _refusal(
        self, error: smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused
    ) -> Reply:
        words: bytes | str
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            code, words = next(iter(error.recipients.values()))  # one address an email
        else:
            code, words = error.smtp_code, error.smtp_error
        said = words.decode(errors="replace") if isinstance(words, bytes) else words
        text = f"{code} {said}"
        if code == _GOING_DOWN:
            self.close()
            return Reply(Answer.AWAY, text)
        return Reply(Answer.NOT_NOW if code in _TEMPORARY else Answer.NEVER, text)


def open_mailers() -> list[Mailer]:
    """Return as many as may send at once; one for a backend that knows no steps."""
    first = Mailer()
    count = settings.EMAIL_CONNECTIONS if first.sends_in_steps else 1
    return [first, *map(Mailer, range(1, count))]


def _judge(error: Exception) -> Reply:
    """Say what another backend's error means: by its HTTP status, if it has one."""
    status = getattr(error, "status_code", None)
    text = f"{status or type(error).__name__} {error}"
    if status is None:
        return Reply(Answer.NONE, text)
    is_final = status in _HTTP_NEVER and status not in _HTTP_NOT_NOW
    return Reply(Answer.NEVER if is_final else Answer.NOT_NOW, text)
