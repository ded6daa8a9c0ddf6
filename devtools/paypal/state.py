"""Everything the emulator remembers, under one lock, and its file."""

import json
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from devtools.paypal.records import (
    JSON,
    Capture,
    Delivery,
    Dispute,
    Order,
    Refund,
    RememberedCall,
    Webhook,
)

_log = logging.getLogger(__name__)

_KINDS: dict[str, Callable[..., Any]] = {
    "orders": Order,
    "captures": Capture,
    "refunds": Refund,
    "disputes": Dispute,
    "calls": RememberedCall,
}


@dataclass
class Books:
    """The records themselves. Read and change them only while holding the state's lock."""

    orders: dict[str, Order] = field(default_factory=dict)
    captures: dict[str, Capture] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    disputes: dict[str, Dispute] = field(default_factory=dict)
    calls: dict[str, RememberedCall] = field(default_factory=dict)
    tokens: dict[str, float] = field(default_factory=dict)
    webhooks: dict[str, Webhook] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    # Captures and refunds under review, and when each review passes by itself.
    reviews: dict[str, float] = field(default_factory=dict)
    # The capture that took the money for an invoice id.
    invoices: dict[str, str] = field(default_factory=dict)
    ahead: float = 0.0

    def refunds_of(self, capture: Capture) -> list[Refund]:
        return [self.refunds[refund_id] for refund_id in capture.refund_ids]

    def listen(self, webhook: Webhook) -> None:
        """Register a listener in place of any other at its address, and send it what waits."""
        others = {key: it for key, it in self.webhooks.items() if it.url != webhook.url}
        self.webhooks = {**others, webhook.id: webhook}
        for delivery in self.deliveries.values():
            if webhook.url == delivery.webhook.url or webhook.id == delivery.webhook.id:
                delivery.webhook = webhook

    def forget_business(self) -> None:
        """Empty everything but the access tokens and who listens."""
        for name in (*_KINDS, "deliveries", "reviews", "invoices"):
            getattr(self, name).clear()


def dump(books: Books) -> str:
    """Write the books as JSON."""
    return json.dumps(
        {item.name: getattr(books, item.name) for item in fields(books)}, default=vars
    )


def load_file(path: Path) -> Books:
    """Read what a state file holds; one that cannot be read is put aside, not overwritten."""
    try:
        return load(path.read_text("utf-8"))
    except (ValueError, KeyError, TypeError) as problem:
        aside = path.with_suffix(".unreadable")
        path.replace(aside)
        _log.error("Starting empty: the state does not fit (%s). It is now %s.", problem, aside)
        return Books()


def load(text: str) -> Books:
    """Read what `dump` wrote."""
    raw: JSON = json.loads(text)
    plain = ("tokens", "reviews", "invoices", "ahead")
    books = Books(**{name: raw[name] for name in plain})
    for name, kind in _KINDS.items():
        setattr(books, name, {key: kind(**value) for key, value in raw[name].items()})
    books.webhooks = {key: Webhook(**value) for key, value in raw["webhooks"].items()}
    for key, value in raw["deliveries"].items():
        value["webhook"] = Webhook(**value["webhook"])
        books.deliveries[key] = Delivery(**value)
    return books


class StateFile:
    """Keep a JSON copy of the books, written by a thread soon after each change.

    Writing takes longer the more there is, so the pause between two writes grows with the last
    one's length. A process that is told to stop writes a last time; one that is killed may lose
    the last fraction of a second.
    """

    def __init__(self, path: Path, lock: threading.RLock, books: Books) -> None:
        self._path = path
        self._lock = lock
        self._books = books
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="state-file", daemon=True)
        self._thread.start()

    def mark_changed(self) -> None:
        self._changed.set()

    def close(self) -> None:
        """Write once more and end the thread."""
        self._stopping.set()
        self._changed.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._changed.wait()
            self._changed.clear()
            started = time.monotonic()
            self._write()
            self._stopping.wait(min(5.0, 0.05 + 10 * (time.monotonic() - started)))
        self._write()

    def _write(self) -> None:
        with self._lock:
            text = dump(self._books)
        unfinished = self._path.with_suffix(".new")
        with unfinished.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._path)
