"""Which emails a message asks for, and which of them are not to be sent any more."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from notifications.emails import address_hash, message_id
from notifications.events import Addressee, ReceivedEvent, headers_to_json
from notifications.kafka import Incoming
from notifications.ledger import NewDelivery


def emails_wanted(message: Incoming, event: ReceivedEvent) -> list[NewDelivery]:
    """Return one email for each addressee of the event."""
    skipped = why_skipped(event.data, timezone.now())
    return [_delivery(message, event, addressee, skipped) for addressee in event.deliver_to]


def why_skipped(data: Mapping[str, Any], now: datetime) -> str:
    """Return why an event is not mailed (any more): `covered`, `stale`, or nothing."""
    if data.get("covered_by"):
        return "covered"
    valid_until = parse_datetime(data.get("valid_until") or "")
    return "stale" if valid_until and valid_until < now else ""


def _delivery(
    message: Incoming, event: ReceivedEvent, addressee: Addressee, skipped: str
) -> NewDelivery:
    hashed = address_hash(addressee.email)
    return NewDelivery(
        event_id=event.id,
        role=addressee.role.value,
        address_hash=hashed,
        event_type=event.type,
        subject=event.subject,
        recorded_at=event.recorded_at,
        email=addressee.email,
        name=addressee.name,
        locale=addressee.locale,
        message_id=message_id(event.id, addressee.role.value, hashed),
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        headers=headers_to_json(message.headers),
        value=message.value or b"",
        skipped=skipped,
        data=event.data,
    )
