"""The messages received so far, in memory."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import count
from threading import Lock

from devtools.mailbox.formats import Message, Summary


@dataclass(frozen=True)
class Received:
    """One message as it came in; `to` is the envelope's, not the header's."""

    id: int
    to: list[str]
    received_at: datetime
    raw: bytes
    email: EmailMessage

    def summary(self) -> Summary:
        headers = {name: str(value) for name, value in self.email.items()}
        return {
            "id": self.id,
            "to": self.to,
            # A folded header's value begins with a space.
            "subject": str(self.email.get("Subject", "")).strip(),
            "message_id": str(self.email.get("Message-ID", "")),
            "received_at": self.received_at.isoformat(),
            "headers": headers,
        }

    def message(self) -> Message:
        return {
            **self.summary(),
            "text": self._part("plain"),
            "html": self._part("html"),
            "raw": self.raw.decode("utf-8", "replace"),
        }

    def _part(self, subtype: str) -> str:
        part = self.email.get_body((subtype,))
        return "" if part is None else str(part.get_content())


class Store:
    """Every message received, oldest first; safe to use from several threads."""

    def __init__(self) -> None:
        self._messages: dict[int, Received] = {}
        self._ids = count(1)
        self._lock = Lock()

    def add(self, to: list[str], raw: bytes) -> None:
        email = message_from_bytes(raw, EmailMessage, policy=policy.default)
        with self._lock:
            number = next(self._ids)
            self._messages[number] = Received(number, to, datetime.now(UTC), raw, email)

    def all(self) -> list[Received]:
        with self._lock:
            return list(self._messages.values())

    def get(self, number: int) -> Received | None:
        with self._lock:
            return self._messages.get(number)

    def clear(self) -> None:
        with self._lock:
            self._messages.clear()
