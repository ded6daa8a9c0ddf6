"""Read an email again as it was written, from the event that is kept."""

from notifications.emails import write_email
from notifications.mime import WrittenEmail
from notifications.models import EmailDelivery, Event
from notifications.templatetags.letters import as_of


class NotReadable(Exception):
    """What the email said is no longer kept; the message says why."""


def read_again(delivery: EmailDelivery) -> WrittenEmail:
    """Write the email as it was sent, to look at; nothing is sent.

    One that is not sent yet is written as of now. Raises NotReadable and Unwritable.
    """
    event = Event.objects.filter(pk=delivery.event_id).first()
    if event is None or not event.personal or not delivery.email:
        raise NotReadable("Its customer was forgotten, and with them what it said.")
    with as_of(delivery.settled_at):
        return write_email(
            event_id=event.pk,
            event_type=event.type,
            role=delivery.role,
            address=delivery.email,
            name=delivery.name,
            locale=delivery.locale,
            message_id=delivery.message_id,
            data={**event.body, **event.personal},
        )
