"""Bring events to their listeners, in the manner that a test asks for."""

import heapq
import http.client
import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from devtools.paypal.events import encode
from devtools.paypal.records import Delivery
from devtools.paypal.signatures import Signer

MODES = frozenset(
    {"normal", "drop", "duplicate", "delay", "reorder", "bad_signature", "before_response"}
)

# PayPal tries 25 times over three days; here the same tries take about three hours.
_FIRST_WAITS = (0.5, 1, 2, 5, 10, 30, 60, 120, 300)
_WAITS = _FIRST_WAITS + (600,) * (24 - len(_FIRST_WAITS))
_PATIENCE_SECONDS = 10
_COURIERS = 4

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Mode:
    """How events travel. `delay_seconds` counts for `delay` and `reorder`."""

    name: str = "normal"
    delay_seconds: float = 3.0


class Courier:
    """Deliver events from threads of its own, trying again until a listener answers 2xx.

    `is_wanted` says whether a delivery still stands, `on_done` hears when one has ended.
    """

    def __init__(
        self,
        signer: Signer,
        is_wanted: Callable[[Delivery], bool],
        on_done: Callable[[Delivery], None],
    ) -> None:
        self._signer = signer
        self._is_wanted = is_wanted
        self._on_done = on_done
        self._mode = Mode()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._held: dict[str, Delivery] = {}
        self._count = itertools.count()
        self._change = threading.Condition()
        self._is_closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"courier-{number}", daemon=True)
            for number in range(_COURIERS)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def mode(self) -> Mode:
        return self._mode

    def set_mode(self, mode: Mode) -> None:
        self._mode = mode

    def accept(self, delivery: Delivery) -> None:
        """Take a delivery on; in mode `before_response` it is tried once before this returns."""
        mode = self._mode
        if mode.name == "before_response":
            self._deliver(delivery)
        elif mode.name == "reorder":
            self._hold(delivery, mode.delay_seconds)
        elif mode.name == "duplicate":
            self._later(0, partial(self._deliver_twice, delivery))
        else:
            wait = mode.delay_seconds if mode.name == "delay" else 0
            self._later(wait, partial(self._deliver, delivery))

    def forget(self) -> None:
        """Drop whatever waits, and go back to normal."""
        with self._change:
            self._due.clear()
            self._held.clear()
        self._mode = Mode()

    def close(self) -> None:
        """End the threads; one that is waiting for a listener ends with the process."""
        with self._change:
            self._is_closed = True
            self._change.notify_all()
        for thread in self._threads:
            thread.join(timeout=1)

    def _later(self, seconds: float, job: Callable[[], None]) -> None:
        with self._change:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._count), job))
            self._change.notify()

    def _work(self) -> None:
        while (job := self._next_job()) is not None:
            job()

    def _next_job(self) -> Callable[[], None] | None:
        with self._change:
            while not self._is_closed:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._change.wait(wait)
        return None

    def _hold(self, delivery: Delivery, seconds: float) -> None:
        """Hold one back until the next one for the same listener has gone, or time is up."""
        listener = delivery.webhook.id
        with self._change:
            older = self._held.pop(listener, None)
            if older is None:
                self._held[listener] = delivery
        if older is None:
            self._later(seconds, partial(self._release, delivery))
        else:
            self._later(0, partial(self._deliver_both, delivery, older))

    def _release(self, delivery: Delivery) -> None:
        with self._change:
            if self._held.get(delivery.webhook.id) is not delivery:
                return
            del self._held[delivery.webhook.id]
        self._deliver(delivery)

    def _deliver_both(self, newer: Delivery, older: Delivery) -> None:
        self._deliver(newer)
        self._deliver(older)

    def _deliver_twice(self, delivery: Delivery) -> None:
        self._deliver(delivery)
        self._post(delivery)

    def _deliver(self, delivery: Delivery) -> None:
        if not self._is_wanted(delivery):
            return
        delivery.attempts += 1
        if self._post(delivery):
            self._on_done(delivery)
        elif delivery.attempts <= len(_WAITS):
            self._later(_WAITS[delivery.attempts - 1], partial(self._deliver, delivery))
        else:
            _log.error("%s given up after %d attempts", delivery.event["id"], delivery.attempts)
            self._on_done(delivery)

    def _post(self, delivery: Delivery) -> bool:
        """Send once; a listener that is away or answers anything but 2xx has not taken it."""
        event = delivery.event
        try:
            status = self._send(delivery)
        except (OSError, http.client.HTTPException) as problem:
            _log.warning("%s %s: %s", event["event_type"], delivery.webhook.url, problem)
            return False
        _log.info("%s %s: %d", event["event_type"], delivery.webhook.url, status)
        return 200 <= status < 300

    def _send(self, delivery: Delivery) -> int:
        body = encode(delivery.event)
        wrong = self._mode.name == "bad_signature"
        headers = self._signer.headers(body, delivery.webhook.id, wrong=wrong)
        address = urlsplit(delivery.webhook.url)
        is_secure = address.scheme == "https"
        kind = http.client.HTTPSConnection if is_secure else http.client.HTTPConnection
        connection = kind(address.hostname or "", address.port, timeout=_PATIENCE_SECONDS)
        try:
            target = address.path or "/"
            target += f"?{address.query}" if address.query else ""
            headers |= {"Content-Type": "application/json", "User-Agent": "PayPal emulator"}
            connection.request("POST", target, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()
