"""What one process's intake is doing: for `/metrics`, the log and the operations page."""

import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import IntEnum
from time import monotonic

from prometheus_client import Counter, Gauge, Histogram

logger = logging.getLogger(__name__)

WORKERS = Gauge(
    "ganh_intake_workers", "Placements that may run at once.", multiprocess_mode="livesum"
)
BUSY = Gauge("ganh_intake_workers_busy", "Placements that run now.", multiprocess_mode="livesum")
QUEUE = Gauge(
    "ganh_intake_queue_depth", "Placements that wait for a worker.", multiprocess_mode="livesum"
)
REFUSED = Counter("ganh_intake_refused", "Placements refused because the queue was full.")
FAILED = Counter("ganh_intake_failed", "Placements that ended in an unexpected error.")
WAIT = Histogram(
    "ganh_intake_wait_seconds",
    "How long placements waited for a worker.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

# A state that is over is left when it has not come back for so long.
_CALM_SECONDS = 5.0


class State(IntEnum):
    """How an intake is: the worst of the last seconds."""

    OK = 0
    BUSY = 1  # every worker is at work and some wait
    REFUSING = 2


@dataclass(frozen=True)
class Figures:
    """The present, and sums since the last time they were taken."""

    workers: int
    busy: int = 0
    queued: int = 0
    most_queued: int = 0
    done: int = 0
    refused: int = 0
    failed: int = 0
    longest_wait: float = 0.0


class IntakeFigures:
    """Counts; each change of state makes one line in the log."""

    def __init__(self, workers: int) -> None:
        WORKERS.set(workers)
        self.seconds_each = 0.05  # a moving average, once there is anything to average
        self._lock = threading.Lock()
        self._now = Figures(workers)
        self._state = State.OK
        self._last_seen = dict.fromkeys(State, -_CALM_SECONDS)

    def note_queued(self) -> None:
        QUEUE.inc()
        with self._lock:
            queued = self._now.queued + 1
            self._now = replace(
                self._now, queued=queued, most_queued=max(queued, self._now.most_queued)
            )
            if self._now.busy >= self._now.workers:
                self._see(State.BUSY)

    def note_cancelled(self) -> None:
        """Note that one left the queue without being placed."""
        QUEUE.dec()
        with self._lock:
            self._now = replace(self._now, queued=self._now.queued - 1)

    def note_refusal(self) -> None:
        REFUSED.inc()
        with self._lock:
            self._now = replace(self._now, refused=self._now.refused + 1)
            self._see(State.REFUSING)

    def note_failure(self) -> None:
        FAILED.inc()
        with self._lock:
            self._now = replace(self._now, failed=self._now.failed + 1)

    @contextmanager
    def at_work(self, queued_at: float) -> Generator[None]:
        """Count a placement as at work; what it took goes into the measured rate."""
        began = monotonic()
        self._begin(began - queued_at)
        try:
            with BUSY.track_inprogress():
                yield
        finally:
            self._end(monotonic() - began)

    def take(self) -> Figures:
        """Return the figures and begin new sums."""
        with self._lock:
            taken = self._now
            self._now = Figures(taken.workers, taken.busy, taken.queued, taken.queued)
            return taken

    def calm_down(self) -> None:
        """Leave a state that has not been seen for a while."""
        with self._lock:
            recent = monotonic() - _CALM_SECONDS
            self._enter(max(state for state in State if self._is_since(state, recent)))

    def _is_since(self, state: State, moment: float) -> bool:
        return state is State.OK or self._last_seen[state] > moment

    def _begin(self, waited: float) -> None:
        QUEUE.dec()
        WAIT.observe(waited)
        with self._lock:
            self._now = replace(
                self._now,
                queued=self._now.queued - 1,
                busy=self._now.busy + 1,
                longest_wait=max(waited, self._now.longest_wait),
            )

    def _end(self, took: float) -> None:
        with self._lock:
            self.seconds_each += (took - self.seconds_each) * 0.1
            self._now = replace(self._now, busy=self._now.busy - 1, done=self._now.done + 1)

    def _see(self, state: State) -> None:
        self._last_seen[state] = monotonic()
        if state > self._state:
            self._enter(state)

    def _enter(self, state: State) -> None:
        if state is self._state:
            return
        level = logging.INFO if state is State.OK else logging.WARNING
        told = (self._state.name.lower(), state.name.lower())
        logger.log(
            level,
            "Intake: %s → %s (%s of %s workers busy, %s queued)",
            *told,
            self._now.busy,
            self._now.workers,
            self._now.queued,
        )
        self._state = state
