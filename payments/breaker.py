"""How many calls may wait for PayPal at once, and when it is left in peace: for one process.

Whoever asks beyond that is told at once, before anything was sent, so that a slow PayPal never
holds more than a few of a process's threads.
"""

import threading
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from time import monotonic

from prometheus_client import Gauge

from payments.gateway import Busy, InProgress, Refused, Unanswered

CALLS_IN_FLIGHT = Gauge(
    "ganh_paypal_calls_in_flight", "Calls that wait for PayPal now.", multiprocess_mode="livesum"
)
CIRCUIT_OPEN = Gauge(
    "ganh_paypal_circuit_open",
    "1 while a process leaves PayPal in peace because it does not answer.",
    multiprocess_mode="livemax",
)

# So many calls in a row without an answer, all within so many seconds, open the circuit.
FAILURES = 5
WINDOW_SECONDS = 60.0
# After that long one call may try; the others wait for what becomes of it.
PAUSE_SECONDS = 5.0


class Breaker:
    """A limit of `calls` at a time, and a circuit that opens when none of them is answered."""

    def __init__(self, calls: int) -> None:
        self._calls = calls
        self._lock = threading.Lock()
        self._in_flight = 0
        self._failed_at: deque[float] = deque(maxlen=FAILURES)
        self._open_until: float | None = None  # None: the circuit is closed
        self._probe: object | None = None

    @contextmanager
    def admit(self) -> Generator[None]:
        """Hold one of the places during a call, and learn from how it ends; or raise Busy."""
        ticket = self._enter()
        is_well: bool | None = None
        try:
            yield
            is_well = True
        except (Refused, InProgress):
            is_well = True
            raise
        except Unanswered:
            is_well = False
            raise
        finally:
            self._leave(ticket, is_well=is_well)

    def _enter(self) -> object:
        with self._lock:
            if not self._may_try():
                raise Busy("PayPal does not answer; it is left in peace for a moment.")
            if self._in_flight >= self._calls:
                raise Busy(f"{self._in_flight} calls wait for PayPal already.")
            self._in_flight += 1
            CALLS_IN_FLIGHT.inc()
            ticket = object()
            if self._open_until is not None:
                self._probe = ticket
            return ticket

    def _may_try(self) -> bool:
        if self._open_until is None:
            return True
        return self._probe is None and monotonic() >= self._open_until

    def _leave(self, ticket: object, *, is_well: bool | None) -> None:
        """Give the place back. `is_well` is None for a call that says nothing of PayPal."""
        with self._lock:
            self._in_flight -= 1
            CALLS_IN_FLIGHT.dec()
            was_probe = ticket is self._probe
            if was_probe:
                self._probe = None
            if is_well:
                self._close()
            elif is_well is False:
                self._note_failure(monotonic(), was_probe=was_probe)

    def _close(self) -> None:
        self._failed_at.clear()
        if self._open_until is not None:
            self._open_until = None
            CIRCUIT_OPEN.set(0)

    def _note_failure(self, now: float, *, was_probe: bool) -> None:
        self._failed_at.append(now)
        is_row = len(self._failed_at) == FAILURES and now - self._failed_at[0] <= WINDOW_SECONDS
        if was_probe or (self._open_until is None and is_row):
            self._open_until = now + PAUSE_SECONDS
            CIRCUIT_OPEN.set(1)
