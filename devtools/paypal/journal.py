"""A record of the requests that PayPal's API was sent."""

import json
import threading
from collections import deque
from typing import Any

from devtools.paypal.records import JSON

_KEPT = 20_000


class Journal:
    """The latest requests, oldest first, without their credentials."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[JSON] = deque(maxlen=_KEPT)

    def open(self, at: str, method: str, path: str, headers: dict[str, str], body: bytes) -> JSON:
        """Note a request that has come in; its `status` stays null until it is answered."""
        shown = {name: value for name, value in headers.items() if name.lower() != "authorization"}
        entry: JSON = {
            "at": at,
            "method": method,
            "path": path,
            "headers": shown,
            "body": _readable(body),
            "status": None,
        }
        with self._lock:
            self._entries.append(entry)
        return entry

    def close(self, entry: JSON, status: int | None) -> None:
        """Note what it was answered with; None when the connection ended without an answer."""
        with self._lock:
            entry["status"] = status

    def entries(self) -> list[JSON]:
        with self._lock:
            return [dict(entry) for entry in self._entries]

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


def _readable(body: bytes) -> Any:
    """Return JSON as what it says, anything else as text."""
    text = body.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except ValueError:
        return text
