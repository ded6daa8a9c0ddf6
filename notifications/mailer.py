"""Hand emails to the mail server through Django's `EMAIL_BACKEND`, over one open connection."""

import smtplib
from dataclasses import dataclass
from enum import Enum, auto

from django.core.mail import EmailMessage, get_connection

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


@dataclass(frozen=True, slots=True)
class Reply:
    """The server's answer and its words."""

    answer: Answer
    text: str = ""


class Mailer:
    """One connection to the mail server, opened when needed."""

    def __init__(self) -> None:
        self._connection = get_connection()

    def open(self) -> None:
        """Have an open connection, or raise `MailServerAway`."""
        try:
            self._connection.open()
        except OSError as error:  # every error of smtplib is one
            raise MailServerAway(str(error)) from error

    def send(self, message: EmailMessage) -> Reply:
        """Hand over one email; `MailServerAway` if the server closes for everyone."""
        try:
            self._connection.send_messages([message])
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
            raise MailServerAway(text)
        return Reply(Answer.NOT_NOW if code in _TEMPORARY else Answer.NEVER, text)


def _judge(error: Exception) -> Reply:
    """Say what another backend's error means: by its HTTP status, if it has one."""
    status = getattr(error, "status_code", None)
    text = f"{status or type(error).__name__} {error}"
    if status is None:
        return Reply(Answer.NONE, text)
    is_final = status in _HTTP_NEVER and status not in _HTTP_NOT_NOW
    return Reply(Answer.NEVER if is_final else Answer.NOT_NOW, text)
