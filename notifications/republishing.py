"""Publish events once more whose emails never came to be: their topic was lost, or another's."""

from datetime import datetime

from django.db import connection, transaction
from django.db.models import CharField, Exists, OuterRef, QuerySet
from django.db.models.functions import Cast

from notifications.database import lock_class
from notifications.models import DeadLetter, EmailDelivery, Event, OutboxEntry

_LOCK = lock_class("republishing")


def unheard_events(since: datetime) -> QuerySet[Event]:
    """Return what was published since then, was to be told, and no consumer has dealt with.

    Among it is what consumers have not come to yet: it may be published twice, and is mailed once.
    """
    entered = EmailDelivery.objects.filter(event_id=OuterRef("pk"))
    waiting = OutboxEntry.objects.filter(event=OuterRef("pk"))
    dead = DeadLetter.objects.filter(event_id=Cast(OuterRef("pk"), CharField()))
    return (
        Event.objects.filter(recorded_at__gte=since, publication__isnull=False)
        .exclude(personal={})
        .exclude(personal__deliver_to=[])
        .exclude(Exists(entered) | Exists(waiting) | Exists(dead))
        .order_by("recorded_at", "pk")
    )


@transaction.atomic(durable=True)
def republish_events(since: datetime) -> int:
    """Put them into the outbox again, oldest first; return how many. Owns its transaction."""
    with connection.cursor() as cursor:  # two at once would fill the outbox twice
        cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [_LOCK])
    entries = [OutboxEntry(event=event) for event in unheard_events(since)]
    return len(OutboxEntry.objects.bulk_create(entries, batch_size=1000))
