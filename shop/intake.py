"""The bounded executor in front of place_order(): a bulkhead, one in each web process.

It bounds how many placements touch the database at once, queues a few and refuses the rest early,
before any of them has cost a connection. What takes longer than a customer should wait is promised
(`shop.promises`); what fails is kept for staff (`shop.failures`).
"""

import math
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from time import monotonic

from django.conf import settings
from django.db import connection

from notifications.tracing import carried
from orders.models import Order
from shop import failures, promises, spool
from shop.checkout import place_order
from shop.intake_figures import IntakeFigures
from shop.placement import Placement, PlacementRefused
from shop.views.errors import DATABASE_AWAY


class Overloaded(Exception):
    """The queue is full. `retry_after` is how many seconds its present length will take."""

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(f"Too many placements; try again in {retry_after} s.")


class Promised(Exception):
    """It takes longer than INTAKE_WAIT_SECONDS; the promise to place it is durable."""


class PlacementFailed(Exception):
    """It ended in an unexpected error, its cause; what was asked for is kept for staff."""


class Job:
    """A placement in the queue or at work."""

    def __init__(self, placement: Placement) -> None:
        self.placement = placement
        self.queued_at = monotonic()
        self.is_promised = False
        self.future: Future[Order | None]


class Intake:
    """A pool of `workers` threads behind a queue of `queue` placements."""

    def __init__(self, *, workers: int, queue: int) -> None:
        self.figures = IntakeFigures(workers)
        self._workers, self._queue = workers, queue
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="intake")
        self._places = threading.BoundedSemaphore(workers + queue)

    def submit(self, make_placement: Callable[[], Placement]) -> Job:
        """Queue a placement, or raise Overloaded at once: before it is even put together."""
        if not self._places.acquire(blocking=False):
            self.figures.note_refusal()
            raise Overloaded(self._retry_after())
        try:
            job = Job(make_placement())
            self.figures.note_queued()
            job.future = self._pool.submit(carried(self._work_on), job)
        except BaseException:
            self._places.release()
            raise
        job.future.add_done_callback(self._leave)
        return job

    def _leave(self, future: Future[Order | None]) -> None:
        if future.cancelled():
            self.figures.note_cancelled()
        self._places.release()

    def _retry_after(self) -> int:
        """Return how long what is here will take, at the rate that was measured."""
        seconds = self.figures.seconds_each * (self._queue + self._workers) / self._workers
        return max(1, math.ceil(seconds))

    def _work_on(self, job: Job) -> Order | None:
        with self.figures.at_work(job.queued_at):
            try:
                order = promises.keep(job.placement) if job.is_promised else _place(job.placement)
            except PlacementRefused:
                raise
            except Exception as error:
                self.figures.note_failure()
                failures.record_failure(job.placement, error)
                if isinstance(error, DATABASE_AWAY):
                    raise
                raise PlacementFailed from error
            finally:
                connection.close()
            return order


def _place(placement: Placement) -> Order:
    order = place_order(placement)
    if spool.has_records():  # so PostgreSQL was away, and is back
        spool.take_in(failures.store)
    return order


_lock = threading.Lock()
_intake: Intake | None = None


def intake() -> Intake:
    """Return this process's executor, made at its first use (so: after gunicorn has forked)."""
    global _intake
    with _lock:
        if _intake is None:
            _intake = Intake(workers=settings.INTAKE_WORKERS_HERE, queue=settings.INTAKE_QUEUE)
        return _intake


def place(make_placement: Callable[[], Placement]) -> Order:
    """Place an order through the executor; the request waits and holds no connection meanwhile.

    Raises Overloaded, Promised, PlacementRefused, PlacementFailed, SpoolFailed, and Django's own
    errors for a database that is away.
    """
    job = intake().submit(make_placement)
    connection.close()
    wait([job.future], settings.INTAKE_WAIT_SECONDS)
    if not job.future.done():
        _promise(job)
    order = job.future.result()
    if order is None:  # another wish took its place
        raise Promised(str(job.placement.checkout_key))
    return order


def _promise(job: Job) -> None:
    """Promise what takes long, or take it back when that cannot be written down."""
    try:
        promises.promise(job.placement)
    except BaseException:
        job.future.cancel()  # at work already: the form keeps the key, under which it is found
        raise
    job.is_promised = True
    job.future.add_done_callback(partial(promises.record_result, job.placement))
    raise Promised(str(job.placement.checkout_key))
