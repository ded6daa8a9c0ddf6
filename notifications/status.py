"""What the pipeline looks like now: for `/metrics`, `/readyz`, `show_order` and staff."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, QuerySet
from django.utils import timezone

from notifications import kafka
from notifications.heartbeat import silent_after
from notifications.models import (
    DeadLetter,
    DeliveryStatus,
    EmailDelivery,
    Event,
    Heartbeat,
    OutboxEntry,
    QuarantinedEvent,
)

# An email sent again has an event of long ago: it tells nothing of the pipeline's speed.
_DELAYS = f"""
    SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (
        ORDER BY greatest(0, extract(epoch FROM settled_at - recorded_at)))
    FROM {EmailDelivery._meta.db_table}
    WHERE status = %s AND resend = 0 AND created_at >= %s
"""  # noqa: S608 - the name of our own table


def outbox_depth() -> int:
    """Return how many events Kafka has not taken yet."""
    return OutboxEntry.objects.count()


def outbox_oldest_seconds() -> float:
    """Return how long the oldest of them has waited; 0 when there is none."""
    recorded_at = (
        OutboxEntry.objects.order_by("pk").values_list("event__recorded_at", flat=True).first()
    )
    return max(0.0, (timezone.now() - recorded_at).total_seconds()) if recorded_at else 0.0


def quarantined_count() -> int:
    """Return how many events Kafka refused, about which nobody has decided."""
    return QuarantinedEvent.objects.waiting().count()


def emails_by_type_and_status(since: datetime | None = None) -> dict[tuple[str, str], int]:
    """Count the ledger's rows by event type and status; all of them, or those entered since."""
    emails = EmailDelivery.objects.order_by()
    if since:
        emails = emails.filter(created_at__gte=since)
    rows = emails.values_list("event_type", "status")
    return {(kind, status): count for kind, status, count in rows.annotate(Count("pk"))}


def delays_since(since: datetime) -> tuple[float, float] | None:
    """Return within how many seconds of their events half, and 99 %, of the emails were accepted.

    Those entered since then; None when there was none.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DELAYS, [DeliveryStatus.SENT.value, since])
        (found,) = cursor.fetchone()
    return (found[0], found[1]) if found else None


def dead_letter_count() -> int:
    """Return how many dead letters wait for a person."""
    return DeadLetter.objects.filter(replayed_at=None).count()


def consumer_lag(seconds: float = 2) -> dict[int, int]:
    """Return, by partition, how many messages wait for a consumer; `KafkaAway` if unknown."""
    return kafka.lag(seconds)


def heartbeats(newer_than: timedelta = timedelta(hours=1)) -> dict[str, float]:
    """Return for each program how many seconds ago one of its processes was last at work."""
    now = timezone.now()
    ages: dict[str, float] = {}
    for program, at in Heartbeat.objects.filter(at__gt=now - newer_than).values_list(
        "program", "at"
    ):
        age = max(0.0, (now - at).total_seconds())
        ages[program] = min(age, ages.get(program, age))
    return ages


def processes_alive() -> dict[str, int]:
    """Return for each program how many of its processes are at work."""
    alive = Heartbeat.objects.filter(at__gt=timezone.now() - silent_after())
    return dict(alive.order_by().values_list("program").annotate(Count("pk")))


def events_of(subject: str) -> list[dict[str, Any]]:
    """Return an order's (or a SKU's) events, oldest first, as `show_order --json` shows them."""
    return [
        {
            "id": str(event.pk),
            "type": event.type,
            "recorded_at": event.recorded_at.isoformat(),
            "topic": topic,
            "partition": partition,
            "offset": offset,
        }
        for event, topic, partition, offset in _published(subject)
    ]


def deliveries_of(subject: str) -> list[dict[str, Any]]:
    """Return the emails of an order (or a SKU), oldest first, as `show_order --json` shows them."""
    return [
        {
            "id": delivery.pk,
            "event_id": str(delivery.event_id),
            "type": delivery.event_type,
            "to": delivery.email,
            "status": delivery.status,
            "message_id": delivery.message_id,
            "attempts": delivery.attempts,
            "unknown": delivery.unknown,
        }
        for delivery in EmailDelivery.objects.filter(subject=subject).order_by("pk")
    ]


def _published(subject: str) -> Iterable[tuple[Event, str | None, int | None, int | None]]:
    events: QuerySet[Event] = Event.objects.filter(subject=subject).order_by("recorded_at", "pk")
    for event in events.select_related("publication"):
        place = getattr(event, "publication", None)
        if place is None:
            yield event, None, None, None
        else:
            yield event, place.topic, place.partition, place.offset
