"""Hand emails to the mail server through Django's `EMAIL_BACKEND`, over one open connection."""

import smtplib
import time
from dataclasses import dataclass
from enum import Enum, auto

from django.core.mail import EmailMessage, get_connection

_IDLE_SECONDS = 10.0  # servers hang up on a silent client; better to do it first
_GOING_DOWN = 421
_TEMPORARY = range(400, 500)


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
        self._used_at = time.monotonic()

    def open(self) -> None:
        """Have an open connection, or raise `MailServerAway`."""
        if time.monotonic() - self._used_at > _IDLE_SECONDS:
            self.close()
        try:
            self._connection.open()
        except OSError as error:  # every error of smtplib is one
            raise MailServerAway(str(error)) from error
        self._used_at = time.monotonic()

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
        except OSError as error:
            self.close()
            return Reply(Answer.NONE, str(error))
        finally:
            self._used_at = time.monotonic()
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
