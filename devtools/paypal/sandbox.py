"""All the parts of one running emulator, and the session in which its books change."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from devtools.paypal.certificates import Certificates, load_certificates, make_certificates
from devtools.paypal.clock import Clock
from devtools.paypal.courier import Courier
from devtools.paypal.events import make_event
from devtools.paypal.faults import Faults
from devtools.paypal.journal import Journal
from devtools.paypal.records import JSON, Delivery, Webhook, new_id
from devtools.paypal.signatures import Signer
from devtools.paypal.state import Books, StateFile, load_file


@dataclass(frozen=True)
class Options:
    """What the command line decides. Without client id and secret, any pair is accepted."""

    base_url: str
    client_id: str | None = None
    client_secret: str | None = None
    state_dir: Path | None = None
    webhook: Webhook | None = None
    reporting_lag_seconds: float = 0


@dataclass
class Session:
    """The books while this thread alone holds them, and what is to be announced afterwards."""

    books: Books
    now: float
    base_url: str
    events: list[JSON] = field(default_factory=list)

    def announce(self, event_type: str, resource: JSON) -> None:
        """Tell the listeners, once the books are closed again."""
        self.events.append(make_event(event_type, resource, self.now, self.base_url))


class Sandbox:
    """One emulator: its books, clock, faults, journal, certificates and courier."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.clock = Clock()
        self.faults = Faults()
        self.journal = Journal()
        self.certificates = self._certificates()
        path = f"/v1/notifications/certs/{self.certificates.id}"
        self.signer = Signer(self.certificates, options.base_url + path)
        self._lock = threading.RLock()
        self._books = self._kept_books()
        self._file = self._state_file()
        self.courier = Courier(self.signer, self._is_wanted, self._on_delivered)
        for delivery in list(self._books.deliveries.values()):
            self.courier.accept(delivery)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Hold the books without changing them."""
        with self._lock:
            yield Session(self._books, self.clock.now(), self.options.base_url)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Hold the books to change them; after that, keep them and send what was announced.

        An error undoes nothing: whoever raises one raises it before changing anything, or to
        report a change such as a refused attempt.
        """
        events: list[JSON] = []
        try:
            with self.reading() as session:
                events = session.events
                yield session
        finally:
            self._send(events)

    def advance_clock(self, seconds: float) -> None:
        self.clock.advance(seconds)
        with self._lock:
            self._books.ahead = self.clock.ahead
            self._mark_changed()

    def reset(self) -> None:
        """Forget orders, faults, modes, the journal and the clock's lead; keep tokens and
        listeners."""
        self.faults.clear()
        self.courier.forget()
        self.journal.clear()
        self.clock.set_ahead(0)
        with self._lock:
            self._books.forget_business()
            self._books.ahead = 0
            self._mark_changed()

    def close(self) -> None:
        """End the threads and write the state a last time."""
        self.courier.close()
        if self._file:
            self._file.close()

    def _send(self, events: list[JSON]) -> None:
        sent = events if self.courier.mode.name != "drop" else []
        with self._lock:
            accepted = [
                Delivery(new_id(), event, webhook)
                for event in sent
                for webhook in self._books.webhooks.values()
                if webhook.wants(event["event_type"])
            ]
            self._books.deliveries |= {delivery.id: delivery for delivery in accepted}
            self._mark_changed()
        for delivery in accepted:
            self.courier.accept(delivery)

    def _is_wanted(self, delivery: Delivery) -> bool:
        with self._lock:
            return delivery.id in self._books.deliveries

    def _on_delivered(self, delivery: Delivery) -> None:
        with self._lock:
            self._books.deliveries.pop(delivery.id, None)
            self._mark_changed()

    def _mark_changed(self) -> None:
        if self._file:
            self._file.mark_changed()

    def _certificates(self) -> Certificates:
        folder = self.options.state_dir
        if folder is None:
            return make_certificates(datetime.now(UTC))
        folder.mkdir(parents=True, exist_ok=True)
        return load_certificates(folder)

    def _kept_books(self) -> Books:
        path = self._state_path()
        books = load_file(path) if path and path.exists() else Books()
        if self.options.webhook:
            books.listen(self.options.webhook)
        self.clock.set_ahead(books.ahead)
        return books

    def _state_file(self) -> StateFile | None:
        path = self._state_path()
        return StateFile(path, self._lock, self._books) if path else None

    def _state_path(self) -> Path | None:
        folder = self.options.state_dir
        return folder / "state.json" if folder else None
