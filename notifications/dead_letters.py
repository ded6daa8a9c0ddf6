"""Set aside what cannot be dealt with: a copy on Kafka, a row for people, and the way back."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from notifications import kafka
from notifications.addressing import emails_wanted
from notifications.events import Unreadable, headers_from_json, headers_to_json, unseal
from notifications.ledger import enter_unowned
from notifications.models import DeadLetter, DeliveryStatus, EmailDelivery


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something is a dead letter."""

    reason: str
    error: str


class Morgue:
    """Publishes dead letters and enters their rows."""

    def __init__(self) -> None:
        self._producer: kafka.Producer | None = None

    def bury_message(self, message: kafka.Incoming, cause: Cause) -> bool:
        """Set a whole message aside; return False when that was done at an earlier reading."""
        place = {
            "fingerprint": _fingerprint(message),
            "topic": message.topic,
            "partition": message.partition,
            "offset": message.offset,
            "delivery": None,
        }
        if DeadLetter.objects.filter(**place).exists():
            return False
        self._publish(message, cause)
        DeadLetter.objects.create(**place, **_content(message, cause))
        return True

    def bury_delivery(self, delivery: EmailDelivery, cause: Cause, owner: int) -> None:
        """Set one email aside, if it is still its owner's."""
        message = message_of(delivery)
        self._publish(message, cause)
        with transaction.atomic():
            buried = EmailDelivery.objects.filter(pk=delivery.pk, owner=owner).update(
                status=DeliveryStatus.DEAD,
                reason=cause.reason,
                error=cause.error,
                attempts=delivery.attempts,
                unknown=delivery.unknown,
                owner=None,
                next_attempt_at=None,
                settled_at=timezone.now(),
                headers=None,
                value=None,
            )
            if buried:
                DeadLetter.objects.update_or_create(
                    fingerprint=_fingerprint(message),
                    topic=delivery.topic,
                    partition=delivery.partition,
                    offset=delivery.offset,
                    delivery=delivery,
                    defaults={**_content(message, cause), "replayed_at": None},
                )

    def _publish(self, message: kafka.Incoming, cause: Cause) -> None:
        if self._producer is None:
            self._producer = kafka.Producer()
        facts = {
            "dlt_reason": cause.reason,
            "dlt_error": cause.error[:2000],
            "dlt_topic": message.topic,
            "dlt_partition": str(message.partition),
            "dlt_offset": str(message.offset),
            "dlt_at": datetime.now(UTC).isoformat(),
        }
        told = [(name, text.encode()) for name, text in facts.items()]
        copy = kafka.Outgoing(message.key, message.value, [*message.headers, *told])
        try:
            self._producer.publish(settings.KAFKA_DEAD_LETTER_TOPIC, [copy])
        except kafka.Refused as refusal:  # too large, say; its row has all of it
            told.append(("dlt_left_out", str(refusal).encode()))
            self._producer.publish(
                settings.KAFKA_DEAD_LETTER_TOPIC, [kafka.Outgoing(None, None, told)]
            )


def waiting_letters(
    *,
    reason: str | None = None,
    event_type: str | None = None,
    since: datetime | None = None,
    ids: Iterable[int] = (),
) -> QuerySet[DeadLetter]:
    """Return the dead letters not replayed yet that match every given choice, oldest first."""
    letters = DeadLetter.objects.filter(replayed_at=None).order_by("pk")
    if reason:
        letters = letters.filter(reason=reason)
    if event_type:
        letters = letters.filter(event_type=event_type)
    if since:
        letters = letters.filter(created_at__gte=since)
    return letters.filter(pk__in=list(ids)) if ids else letters


def replay(letter_id: int) -> str | None:
    """Give a dead letter back to the consumers, in its own row; return why not, if not."""
    with transaction.atomic(durable=True):
        letter = DeadLetter.objects.select_for_update(of=("self",)).get(pk=letter_id)
        if letter.replayed_at:
            return "It was replayed before."
        try:
            _revive(letter)
        except Unreadable as error:
            letter.error = error.error
            letter.save(update_fields=["error"])
            return error.error
        letter.replayed_at = timezone.now()
        letter.save(update_fields=["replayed_at"])
    return None


def _revive(letter: DeadLetter) -> None:
    """Re-enter the one email that died, or every email of a message that could not be read."""
    message = _message(letter)
    if letter.delivery_id is None:
        event = unseal(key=message.key, value=message.value, headers=message.headers)
        enter_unowned(emails_wanted(message, event))
        return
    EmailDelivery.objects.filter(pk=letter.delivery_id, status=DeliveryStatus.DEAD).update(
        status=DeliveryStatus.CLAIMED,
        reason="",
        owner=None,
        attempts=0,
        first_refused_at=None,
        settled_at=None,
        headers=headers_to_json(message.headers),
        value=message.value,
    )


def message_of(delivery: EmailDelivery) -> kafka.Incoming:
    """Return the message that an unsettled email came from."""
    return kafka.Incoming(
        topic=delivery.topic,
        partition=-1 if delivery.partition is None else delivery.partition,
        offset=-1 if delivery.offset is None else delivery.offset,
        key=delivery.subject.encode(),
        value=bytes(delivery.value or b""),
        headers=headers_from_json(delivery.headers or []),
    )


def _message(letter: DeadLetter) -> kafka.Incoming:
    return kafka.Incoming(
        topic=letter.topic,
        partition=-1 if letter.partition is None else letter.partition,
        offset=-1 if letter.offset is None else letter.offset,
        key=None if letter.key is None else bytes(letter.key),
        value=None if letter.value is None else bytes(letter.value),
        headers=headers_from_json(letter.headers),
    )


def _content(message: kafka.Incoming, cause: Cause) -> dict[str, Any]:
    named = {name: content.decode(errors="replace") for name, content in message.headers}
    return {
        "reason": cause.reason,
        "error": cause.error,
        "event_id": _storable(named.get("ce_id", "")),
        "event_type": _storable(named.get("ce_type", "")),
        "key": message.key,
        "value": message.value,
        "headers": headers_to_json(message.headers),
    }


def _storable(text: str) -> str:
    return text.replace("\x00", "")[:64]


def _fingerprint(message: kafka.Incoming) -> str:
    digest = hashlib.sha256()
    for part in (message.key, message.value, repr(message.headers).encode()):
        digest.update(hashlib.sha256(part or b"").digest())
    return digest.hexdigest()
