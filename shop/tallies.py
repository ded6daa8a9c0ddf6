"""What came in each hour, written down once the hour is over: the first page adds up a few rows.

The present hour is read from the orders themselves.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Count, Sum
from django.utils import timezone

from orders.models import Order
from payments.lifecycle import CaptureStatus
from payments.models import Capture, Refund

KEPT = timedelta(days=14)
_HOUR = timedelta(hours=1)
_LATE = timedelta(minutes=1)  # a transaction that began within the hour ends by then
_HOURS_A_TICK = 24
_NOTHING_TAKEN = (*CaptureStatus.without_money(), CaptureStatus.PENDING)


class HourTally(models.Model):
    """One hour of the shop, which has ended."""

    hour = models.DateTimeField(primary_key=True)
    orders = models.PositiveIntegerField()
    ordered = models.DecimalField(max_digits=14, decimal_places=2)
    taken = models.DecimalField(max_digits=14, decimal_places=2)
    refunded = models.DecimalField(max_digits=14, decimal_places=2)

    class Meta:
        ordering = ("-hour",)
        verbose_name_plural = "hour tallies"

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}: {self.orders}"


@dataclass(frozen=True)
class Day:
    """What came in on one day (UTC)."""

    day: date
    orders: int = 0
    ordered: Decimal = Decimal(0)
    taken: Decimal = Decimal(0)
    refunded: Decimal = Decimal(0)

    def with_hour(self, hour: HourTally) -> "Day":
        return Day(
            self.day,
            self.orders + hour.orders,
            self.ordered + hour.ordered,
            self.taken + hour.taken,
            self.refunded + hour.refunded,
        )


def tally_hours() -> int:
    """Write down the hours that ended and are not yet; a clock's duty, with no cases to count."""
    ended = _ended()
    known = set(HourTally.objects.filter(hour__gte=ended - KEPT).values_list("hour", flat=True))
    wanted = (hour for hour in _hours(ended - KEPT, ended) if hour not in known)
    for _number, hour in zip(range(_HOURS_A_TICK), wanted, strict=False):
        HourTally.objects.bulk_create([_tally(hour)], ignore_conflicts=True)
    return 0


def forget_tallies() -> int:
    """Delete the hours that no page adds up any more."""
    return HourTally.objects.filter(hour__lt=_ended() - KEPT).delete()[0]


def latest_days() -> Sequence[Day]:
    """Return the last two weeks, oldest first, today last, also days without an order."""
    now = timezone.now()
    today = now.date()
    first = today - KEPT + timedelta(days=1)
    days = {first + timedelta(days=n): Day(first + timedelta(days=n)) for n in range(KEPT.days)}
    hours = list(HourTally.objects.filter(hour__date__gte=first))
    last = max((one.hour for one in hours), default=None)
    for one in (*hours, *_untallied(now, last)):
        day = one.hour.date()
        days[day] = days[day].with_hour(one)
    return list(days.values())


def _untallied(now: datetime, last: datetime | None) -> Iterator[HourTally]:
    """Tally what today the clock has not: the present hour, and perhaps the one before."""
    begin = now.replace(minute=0, second=0, microsecond=0)
    if last is not None:
        begin = max(last + _HOUR, begin - _HOUR)
    yield _tally(max(begin, now.replace(hour=0, minute=0, second=0, microsecond=0)), until=now)


def _ended() -> datetime:
    """Return the begin of the first hour that is not written down yet."""
    return (timezone.now() - _LATE).replace(minute=0, second=0, microsecond=0)


def _tally(hour: datetime, until: datetime | None = None) -> HourTally:
    end = until or hour + _HOUR
    placed = _within(Order, "placed_at", hour, end).aggregate(n=Count("pk"), sum=Sum("total"))
    taken = _within(Capture, "recorded_at", hour, end).exclude(status__in=_NOTHING_TAKEN)
    refunded = _within(Refund, "requested_at", hour, end).going_back()
    return HourTally(
        hour=hour,
        orders=placed["n"],
        ordered=placed["sum"] or Decimal(0),
        taken=taken.aggregate(sum=Sum("amount"))["sum"] or Decimal(0),
        refunded=refunded.total(),
    )


def _within(model: Any, field: str, begin: datetime, end: datetime) -> Any:
    return model.objects.filter(**{f"{field}__gte": begin, f"{field}__lt": end})


def _hours(begin: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the hours before `end`, latest first."""
    hour = end - _HOUR
    while hour >= begin:
        yield hour
        hour -= _HOUR
