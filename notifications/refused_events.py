"""Events that Kafka refused and the relay set aside: publish them again, or give them up."""

import json
from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from notifications.addressing import emails_wanted
from notifications.events import seal, unseal, write_time
from notifications.kafka import Incoming
from notifications.ledger import NewDelivery, enter_unowned
from notifications.models import Event, OutboxEntry, QuarantinedEvent


def refused_events(ids: Iterable[UUID] = ()) -> QuerySet[QuarantinedEvent]:
    """Return those of them, or all, that a person has to decide about, oldest first."""
    waiting = QuarantinedEvent.objects.waiting().select_related("event")
    chosen = list(ids)
    found = waiting.filter(pk__in=chosen) if chosen else waiting
    return found.order_by("event__recorded_at", "pk")


@transaction.atomic(durable=True)
def publish_refused(ids: Iterable[UUID] = ()) -> int:
    """Put them into the outbox again; return how many. Owns its transaction.

    What Kafka refuses again (its limit was not raised, say) the relay sets aside again.
    """
    rows = list(refused_events(ids).select_for_update(of=("self",)))
    OutboxEntry.objects.bulk_create(OutboxEntry(event_id=row.pk) for row in rows)
    QuarantinedEvent.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


@transaction.atomic(durable=True)
def give_up_refused(ids: Iterable[UUID] = (), *, by: str) -> int:
    """Leave them unpublished for good; return how many. Owns its transaction.

    They stay in the history, with who decided; the ledger says of each email that was to come of
    them that it is not sent: `refused`.
    """
    rows = list(refused_events(ids).select_for_update(of=("self",)))
    for row in rows:
        enter_unowned(_unsent(row.event))
    keys = [row.pk for row in rows]
    QuarantinedEvent.objects.filter(pk__in=keys).update(given_up_at=timezone.now(), given_up_by=by)
    return len(rows)


def _unsent(event: Event) -> list[NewDelivery]:
    """Return the emails the event asks for, each with the reason why it is not sent."""
    sealed = seal(
        event_id=str(event.pk),
        event_type=event.type,
        subject=event.subject,
        at=write_time(event.recorded_at),
        traceparent=event.traceparent,
        value=json.dumps({"deliver_to": [], **event.body, **event.personal}).encode(),
    )
    message = Incoming(settings.KAFKA_EMAIL_TOPIC, -1, -1, sealed.key, sealed.value, sealed.headers)
    wanted = emails_wanted(
        message, unseal(key=sealed.key, value=sealed.value, headers=sealed.headers)
    )
    return [
        replace(one, partition=None, offset=None, skipped=one.skipped or "refused")
        for one in wanted
    ]
