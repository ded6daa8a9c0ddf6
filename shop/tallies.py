"""What came in each hour, written down once the hour is over: the first page adds up a few rows.

The present hour is read from the orders themselves.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import models
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncHour
from django.utils import timezone

from orders.models import Order
from payments.lifecycle import CaptureStatus
from payments.models import Capture, Refund

KEPT = timedelta(days=14)
_HOUR = timedelta(hours=1)
_LATE = timedelta(minutes=1)  # a transaction that began within the hour ends by then
_MOST_A_TICK = timedelta(hours=24)
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


class _Figures(NamedTuple):
    """Of one hour's rows of one table."""

    rows: int = 0
    money: Decimal = Decimal(0)


def tally_hours() -> int:
    """Write down the hours that ended and are not yet; a clock's duty, with no cases to count.

    The latest first, a day's at most; those before a gap wait for the next tick.
    """
    end = _ended()
    oldest = end - KEPT
    known = set(HourTally.objects.filter(hour__gte=oldest).values_list("hour", flat=True))
    while end - _HOUR in known:
        end -= _HOUR
    begin, limit = end, max(oldest, end - _MOST_A_TICK)
    while begin > limit and begin - _HOUR not in known:
        begin -= _HOUR
    if begin < end:
        HourTally.objects.bulk_create(_tallies(begin, end), ignore_conflicts=True)
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


def _untallied(now: datetime, last: datetime | None) -> Sequence[HourTally]:
    """Tally what today the clock has not: the present hour, and perhaps the one before."""
    begin = now.replace(minute=0, second=0, microsecond=0)
    if last is not None:
        begin = max(last + _HOUR, begin - _HOUR)
    return _tallies(max(begin, now.replace(hour=0, minute=0, second=0, microsecond=0)), now)


def _ended() -> datetime:
    """Return the begin of the first hour that is not written down yet."""
    return (timezone.now() - _LATE).replace(minute=0, second=0, microsecond=0)


def _tallies(begin: datetime, end: datetime) -> list[HourTally]:
    """Tally each hour from `begin`, a full hour, to `end`: three statements."""
    placed = _by_hour(Order.objects.all(), "placed_at", begin, end, Sum("total"))
    captures = Capture.objects.exclude(status__in=_NOTHING_TAKEN)
    taken = _by_hour(captures, "recorded_at", begin, end, Sum("amount"))
    going_back = Refund.objects.going_back()
    refunded = _by_hour(going_back, "requested_at", begin, end, Sum("amount"))
    return [
        HourTally(
            hour=hour,
            orders=placed[hour].rows,
            ordered=placed[hour].money,
            taken=taken[hour].money,
            refunded=refunded[hour].money,
        )
        for hour in _hours(begin, end)
    ]


def _by_hour(
    rows: QuerySet[Any], field: str, begin: datetime, end: datetime, money: Sum
) -> Mapping[datetime, _Figures]:
    within = rows.filter(**{f"{field}__gte": begin, f"{field}__lt": end})
    by_hour = within.values_list(TruncHour(field, tzinfo=UTC)).annotate(Count("pk"), money)
    return defaultdict(_Figures, {hour: _Figures(*figures) for hour, *figures in by_hour})


def _hours(begin: datetime, end: datetime) -> Iterator[datetime]:
    while begin < end:
        yield begin
        begin += _HOUR
