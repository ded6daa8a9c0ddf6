"""The bounded executor in front of place_order(): a bulkhead, one in each web process.

It bounds how many placements touch the database at once, queues a few and refuses the rest early,
before any of them has cost a connection.
"""

import math
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic

from django.conf import settings
from django.db import connection

from orders.models import Order
from shop.checkout import Placement, PlacementRefused, place_order
from shop.operations import (
    FAILED_PLACEMENTS,
    INTAKE_BUSY,
    INTAKE_QUEUE,
    INTAKE_REFUSED,
    INTAKE_WAIT,
    INTAKE_WORKERS,
)


class Overloaded(Exception):
    """The queue is full. `retry_after` is how many seconds its present length will take."""

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(f"Too many placements; try again in {retry_after} s.")


class Intake:
    """A pool of `workers` threads behind a queue of `queue` placements."""

    def __init__(self, *, workers: int, queue: int) -> None:
        self.workers, self.queue = workers, queue
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="intake")
        self._places = threading.BoundedSemaphore(workers + queue)
        INTAKE_WORKERS.set(workers)
        self._seconds_each = 0.05  # a moving average, once there is anything to average

    def submit(self, placement: Placement) -> Future[Order]:
        """Queue a placement, or raise Overloaded at once."""
        if not self._places.acquire(blocking=False):
            INTAKE_REFUSED.inc()
            waiting = self._seconds_each * (self.queue + self.workers) / self.workers
            raise Overloaded(max(1, math.ceil(waiting)))
        INTAKE_QUEUE.inc()
        try:
            future = self._pool.submit(self._place, placement, monotonic())
        except BaseException:
            INTAKE_QUEUE.dec()
            self._places.release()
            raise
        future.add_done_callback(lambda _: self._places.release())
        return future

    def _place(self, placement: Placement, queued_at: float) -> Order:
        began = monotonic()
        INTAKE_QUEUE.dec()
        INTAKE_WAIT.observe(began - queued_at)
        try:
            with INTAKE_BUSY.track_inprogress():
                return place_order(placement)
        except PlacementRefused:
            raise
        except Exception:
            FAILED_PLACEMENTS.inc()
            raise
        finally:
            connection.close()
            self._seconds_each += (monotonic() - began - self._seconds_each) * 0.1


_lock = threading.Lock()
_intake: Intake | None = None


def intake() -> Intake:
    """Return this process's executor, made at its first use (so: after gunicorn has forked)."""
    global _intake
    with _lock:
        if _intake is None:
            _intake = Intake(workers=settings.INTAKE_WORKERS_HERE, queue=settings.INTAKE_QUEUE)
        return _intake


def place(placement: Placement) -> Order:
    """Place an order through the executor; the request waits and holds no connection meanwhile.

    Raises Overloaded and PlacementRefused.
    """
    future = intake().submit(placement)
    connection.close()
    return future.result()
