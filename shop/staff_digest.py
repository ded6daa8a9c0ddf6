"""The daily digest: what waits for a person and was not told at once, since it is not urgent."""

from datetime import date
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from notifications.database import lock_class
from notifications.models import DeadLetter, Event, QuarantinedEvent
from notifications.outbox import record_event
from orders.lifecycle import OrderStatus
from orders.models import Order
from shop.models import FailedPlacement
from shop.placement_records import FailureStatus

_LOCK = lock_class("staff digest")


def tell_staff_daily() -> int:
    """Record the day's digest once something waits; return 1 if this call did.

    One a day (UTC), however many clocks ask. Owns its transaction.
    """
    day = timezone.now().date()
    if _is_told(day):
        return 0
    cases = [case for case in _cases() if case["count"]]
    return _record(day, cases) if cases else 0


def _cases() -> list[dict[str, Any]]:
    wishes = Order.objects.filter(status=OrderStatus.SUCCESS, cancel_wished_at__isnull=False)
    return [
        _case(
            "failed_placements",
            FailedPlacement.objects.filter(status=FailureStatus.OPEN),
            f"?status__exact={FailureStatus.OPEN}",
        ),
        _case("wishes_to_cancel", wishes, "?needs=wish"),
        _case(
            "dead_letters", DeadLetter.objects.filter(replayed_at=None), "?replayed_at__isempty=1"
        ),
        _case("refused_events", QuarantinedEvent.objects.waiting(), "?given_up_at__isempty=1"),
    ]


def _case(what: str, rows: QuerySet[Any], query: str = "") -> dict[str, Any]:
    names = rows.model._meta
    page = reverse(f"admin:{names.app_label}_{names.model_name}_changelist")
    return {
        "what": what,
        "subject": "",
        "money": None,
        "detail": "",
        "url": settings.SHOP_URL + page + query,
        "count": rows.count(),
    }


@transaction.atomic(durable=True)
def _record(day: date, cases: list[dict[str, Any]]) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [_LOCK])
    if _is_told(day):
        return 0
    operations = reverse("admin:shop_intakereport_changelist")
    record_event(
        type="staff.attention",
        subject=_subject(day),
        customer=None,
        body={
            "attention": {"day": day.isoformat(), "cases": cases},
            "links": {"admin": settings.SHOP_URL + operations},
        },
        personal={},
    )
    return 1


def _is_told(day: date) -> bool:
    return Event.objects.filter(subject=_subject(day), type="staff.attention").exists()


def _subject(day: date) -> str:
    return f"digest-{day.isoformat()}"
