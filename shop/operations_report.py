"""What the operations page shows: the shop as it is now, and how the intake did in the last hour.

A fixed number of questions, none of which may take long; what cannot be asked is None.
"""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Max, Min, Q, Sum
from django.db.models.functions import TruncMinute
from django.utils import timezone

from notifications import status
from notifications.kafka import KafkaAway
from notifications.models import DeliveryStatus
from payments.lifecycle import PaymentStatus
from payments.models import Payment
from shop import intake_reports, spool
from shop.duty_failures import DutyFailure, present_failures
from shop.health import PROGRAMS
from shop.models import BooksCheck, FailedPlacement, IntakeReport, PlacementPromise
from shop.placement_records import FailureStatus, PromiseStatus

OPEN_PAYMENTS = (PaymentStatus.PENDING, PaymentStatus.CAPTURING, PaymentStatus.REVIEW)
_LONGEST_QUERY = "2s"
_HISTORY = timedelta(hours=1)
_DAY = timedelta(days=1)
_ON_THEIR_WAY = (DeliveryStatus.CLAIMED, DeliveryStatus.SENDING, DeliveryStatus.WAITING)
_KAFKA_SECONDS = 1.0
_AGES = {
    "quarter": (timedelta(0), timedelta(minutes=15)),
    "hour": (timedelta(minutes=15), timedelta(hours=1)),
    "day": (timedelta(hours=1), timedelta(days=1)),
    "older": (timedelta(days=1), None),
}


@dataclass(frozen=True)
class Minute:
    """What all intakes did in one minute."""

    at: datetime
    done: int = 0
    refused: int = 0
    failed: int = 0
    longest_wait: float = 0.0  # seconds
    most_queued: int = 0


@dataclass(frozen=True)
class OpenPayments:
    """Payments of one status that have not ended, by the age of their orders."""

    status: str
    quarter: int  # up to 15 minutes
    hour: int
    day: int
    older: int
    oldest_at: datetime


@dataclass(frozen=True)
class StageEmails:
    """One stage's emails of the last day, by what became of them."""

    type: str
    sent: int
    on_their_way: int
    deferred: int
    skipped: int
    failed: int
    dead: int


@dataclass(frozen=True, kw_only=True)
class OperationsReport:
    """Everything on the page."""

    at: datetime
    processes: Sequence[IntakeReport]
    history: Sequence[Minute]
    outbox_depth: int
    outbox_oldest_seconds: float
    quarantined: int
    lag: Mapping[int, int] | None  # by partition
    dead_letters: int
    emails: Sequence[StageEmails]
    email_delays: tuple[float, float] | None  # seconds: half of them, 99 % of them
    failed_placements: int
    waiting_promises: int
    has_spooled: bool
    open_payments: Sequence[OpenPayments]
    heartbeats: Mapping[str, float | None]  # seconds since each program was last at work
    failing_duties: Sequence[DutyFailure]
    books: BooksCheck | None

    @property
    def unread(self) -> int | None:
        return None if self.lag is None else sum(self.lag.values())


def report() -> OperationsReport:
    """Look at everything. Kafka is waited for no longer than a second, a query than two."""
    lag = _lag.ask()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [_LONGEST_QUERY])
        return _report(timezone.now(), lag)


def _report(now: datetime, lag: Future[dict[int, int]]) -> OperationsReport:
    beats = status.heartbeats()
    return OperationsReport(
        at=now,
        processes=intake_reports.present(),
        history=history(now),
        outbox_depth=status.outbox_depth(),
        outbox_oldest_seconds=status.outbox_oldest_seconds(),
        quarantined=status.quarantined_count(),
        dead_letters=status.dead_letter_count(),
        emails=_emails(now),
        email_delays=status.delays_since(now - _HISTORY),
        failed_placements=FailedPlacement.objects.filter(status=FailureStatus.OPEN).count(),
        waiting_promises=PlacementPromise.objects.filter(status=PromiseStatus.WAITING).count(),
        has_spooled=spool.has_records(),
        open_payments=_open_payments(now),
        heartbeats={program: beats.get(program) for program in PROGRAMS.values()},
        failing_duties=present_failures(),
        books=BooksCheck.objects.first(),
        lag=_result(lag),
    )


def history(now: datetime) -> list[Minute]:
    """Return the last hour's minutes, oldest first, also those without a report."""
    first = now.replace(second=0, microsecond=0) - _HISTORY + timedelta(minutes=1)
    reports = IntakeReport.objects.filter(at__gte=first).order_by()
    rows = reports.annotate(minute=TruncMinute("at")).values_list("minute")
    told = {
        row[0]: Minute(*row)
        for row in rows.annotate(
            Sum("done"), Sum("refused"), Sum("failed"), Max("longest_wait"), Max("most_queued")
        )
    }
    minutes = (first + timedelta(minutes=number) for number in range(60))
    return [told.get(at) or Minute(at) for at in minutes]


def _emails(now: datetime) -> list[StageEmails]:
    counts = status.emails_by_type_and_status(now - _DAY)

    def count(kind: str, *states: str) -> int:
        return sum(counts.get((kind, state), 0) for state in states)

    return [
        StageEmails(
            kind,
            sent=count(kind, DeliveryStatus.SENT),
            on_their_way=count(kind, *_ON_THEIR_WAY),
            deferred=count(kind, DeliveryStatus.DEFERRED),
            skipped=count(kind, DeliveryStatus.SKIPPED),
            failed=count(kind, DeliveryStatus.FAILED),
            dead=count(kind, DeliveryStatus.DEAD),
        )
        for kind in sorted({kind for kind, _ in counts})
    ]


def _open_payments(now: datetime) -> list[OpenPayments]:
    rows: Any = (
        Payment.objects.filter(status__in=OPEN_PAYMENTS)
        .order_by()
        .values("status")
        .annotate(
            oldest_at=Min("order__placed_at"),
            **{name: Count("pk", filter=_aged(now, *ages)) for name, ages in _AGES.items()},
        )
    )
    found = {row["status"]: OpenPayments(**row) for row in rows}
    return [found[one] for one in OPEN_PAYMENTS if one in found]


def _aged(now: datetime, least: timedelta, most: timedelta | None) -> Q:
    is_old_enough = Q(order__placed_at__lte=now - least) if least else Q()
    return is_old_enough & (Q(order__placed_at__gt=now - most) if most else Q())


class _Lag:
    """Asks Kafka in a thread of its own, one question at a time, so that no page hangs with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="consumer-lag")
        self._asked: Future[dict[int, int]] | None = None

    def ask(self) -> Future[dict[int, int]]:
        """Return the answer to come; whoever asks meanwhile gets the same."""
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = self._thread.submit(status.consumer_lag, _KAFKA_SECONDS)
            return self._asked


def _result(lag: Future[dict[int, int]]) -> Mapping[int, int] | None:
    try:
        return lag.result(_KAFKA_SECONDS)
    except (KafkaAway, TimeoutError):
        return None


_lag = _Lag()
