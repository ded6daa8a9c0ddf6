"""Forgetting a person: what events, emails and dead letters know of them; and not writing again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from notifications.emails import address_hash
from notifications.models import (
    DeadLetter,
    DeliveryStatus,
    EmailDelivery,
    Event,
    SuppressedAddress,
)
from notifications.stages import Role

_NOT_BEGUN = (DeliveryStatus.CLAIMED, DeliveryStatus.DEFERRED, DeliveryStatus.WAITING)


@dataclass(frozen=True, kw_only=True)
class Person:
    """Whom to forget: an address, and the orders that were placed with it."""

    email: str
    numbers: Sequence[str]
    order_ids: Sequence[int]
    at: datetime


def suppress(email: str, at: datetime) -> None:
    """Send nothing more to that address of what was recorded until then.

    Committed before anything is blanked: an email that is claimed meanwhile is seen by one of both.
    """
    SuppressedAddress.objects.update_or_create(
        address_hash=address_hash(email), defaults={"until": at}
    )


def suppressed(emails: Iterable[EmailDelivery]) -> set[int]:
    """Return those of the emails whose recipients asked to be forgotten since: one query."""
    emails = list(emails)
    rows = SuppressedAddress.objects.filter(address_hash__in={one.address_hash for one in emails})
    until = dict(rows.values_list("address_hash", "until"))
    return {
        one.pk
        for one in emails
        if one.address_hash in until and one.recorded_at <= until[one.address_hash]
    }


def forget_suppressed(delivery_id: int) -> None:
    """Blank an email that was entered after its recipient had been forgotten."""
    EmailDelivery.objects.filter(pk=delivery_id).update(email="", name="")


def forget_events(person: Person) -> int:
    """Empty the personal part of the person's events; return how many."""
    return _events_of(person).exclude(personal={}).update(personal={})


def forget_emails(person: Person) -> int:
    """Blank the person in the ledger and skip what is not sent yet; return how many emails.

    One that is being handed over at this moment is left: the command is then run again.
    """
    emails = _emails_of(person).exclude(status=DeliveryStatus.SENDING)
    emails.filter(status__in=_NOT_BEGUN).update(
        status=DeliveryStatus.SKIPPED,
        reason="suppressed",
        owner=None,
        next_attempt_at=None,
        settled_at=person.at,
        headers=None,
        value=None,
    )
    return emails.exclude(email="").update(email="", name="", error="", headers=None, value=None)


def forget_dead_letters(person: Person) -> int:
    """Empty dead letters that hold the person's data; they count as dealt with."""
    subjects = [number.encode() for number in person.numbers]
    found = DeadLetter.objects.filter(
        Q(key__in=subjects) | Q(delivery__in=_emails_of(person))
    ).exclude(value=None, error="")
    ids = list(found.values_list("pk", flat=True))
    return DeadLetter.objects.filter(pk__in=ids).update(
        value=None, headers=[], error="", replayed_at=person.at
    )


def count_being_sent(person: Person) -> int:
    return _emails_of(person).filter(status=DeliveryStatus.SENDING).count()


def _events_of(person: Person) -> QuerySet[Event]:
    return Event.objects.filter(
        Q(subject__in=person.numbers)
        | Q(personal__customer__email__iexact=person.email)
        | Q(personal__deliver_to__contains=[{"email": person.email}])
    )


def _emails_of(person: Person) -> QuerySet[EmailDelivery]:
    """Return the emails to the person's address, and those of the orders to any address."""
    return EmailDelivery.objects.filter(
        Q(address_hash=address_hash(person.email))
        | Q(subject__in=person.numbers, role=Role.CUSTOMER)
    )
