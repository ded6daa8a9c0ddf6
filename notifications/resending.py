"""Send an email again that was sent, or should have been."""

import json

from django.db import transaction
from django.db.models import Max

from notifications.emails import address_hash, message_id
from notifications.events import headers_to_json, seal, write_time
from notifications.ledger import NewDelivery, enter_unowned
from notifications.models import EmailDelivery, Event
from notifications.outbox import Recipient


class NotResendable(Exception):
    """The email cannot be sent again; the message says why."""


def resend_email(*, delivery_id: int, to: Recipient | None = None) -> EmailDelivery:
    """Queue an email again, as a new row that any consumer takes up; outermost transaction.

    `to` is whom the order belongs to now; without it the email goes where it went before. The new
    email has a number, and with it a Message-ID, of its own.
    """
    with transaction.atomic(durable=True):
        delivery = EmailDelivery.objects.select_for_update(of=("self",)).filter(pk=delivery_id)
        original = delivery.first()
        if original is None:
            raise NotResendable(f"There is no email {delivery_id}.")
        recipient = to or Recipient(original.email, original.name, original.locale)
        if not recipient.email:
            raise NotResendable("The customer of this email was forgotten.")
        wanted = _again(original, recipient)
        enter_unowned([wanted])
        return EmailDelivery.objects.get(
            event_id=wanted.event_id,
            role=wanted.role,
            address_hash=wanted.address_hash,
            resend=wanted.resend,
        )


def _again(original: EmailDelivery, recipient: Recipient) -> NewDelivery:
    event = Event.objects.filter(pk=original.event_id).first()
    if event is None or not event.personal:
        raise NotResendable("The event of this email is no longer kept.")
    sealed = seal(
        event_id=str(event.pk),
        event_type=event.type,
        subject=event.subject,
        at=write_time(event.recorded_at),
        traceparent=event.traceparent,
        value=json.dumps({**event.body, **event.personal}).encode(),
    )
    earlier = EmailDelivery.objects.filter(event_id=event.pk, role=original.role)
    number = earlier.aggregate(last=Max("resend"))["last"] + 1
    hashed = address_hash(recipient.email)
    return NewDelivery(
        event_id=event.pk,
        role=original.role,
        address_hash=hashed,
        event_type=event.type,
        subject=event.subject,
        recorded_at=event.recorded_at,
        email=recipient.email,
        name=recipient.name,
        locale=recipient.locale,
        message_id=message_id(event.pk, original.role, hashed, number),
        topic=original.topic,
        partition=original.partition,
        offset=original.offset,
        headers=headers_to_json(sealed.headers),
        value=sealed.value,
        resend=number,
    )
