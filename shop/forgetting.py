"""Forgetting a customer who asks for it, everywhere, while the books stay whole."""

from collections.abc import Callable

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from notifications.forgetting import (
    Person,
    count_being_sent,
    forget_dead_letters,
    forget_emails,
    forget_events,
    suppress,
)
from orders.forgetting import StillOpen, forget_orders, orders_of
from orders.models import Order
from payments.forgetting import forget_webhooks_of
from shop import spool
from shop.accounts.closing import delete_accounts, forget_sign_ins
from shop.models import FailedPlacement, PlacementPromise


class CannotForget(Exception):
    """Nothing was forgotten; the message says why."""


def forget_accounts(person: Person) -> int:
    """Delete the person's account, and what is kept of their signing in."""
    forget_sign_ins(person.email)
    return delete_accounts(list(User.objects.filter(email__iexact=person.email)))


def forget_placements(person: Person) -> int:
    """Delete what the person asked for that waits, failed or lies in the spool."""
    email = person.email.casefold()
    failed, _ = FailedPlacement.objects.filter(email__iexact=email).delete()
    promises = PlacementPromise.objects.filter(wish__contact__email__iexact=email)
    promised, _ = promises.delete()
    spooled = spool.drop(lambda one: one["wish"]["contact"]["email"].casefold() == email)
    return failed + promised + spooled


# Whatever keeps something of a person has its line here.
PARTS: tuple[tuple[str, Callable[[Person], int]], ...] = (
    ("webhooks", forget_webhooks_of),
    ("dead letters", forget_dead_letters),
    ("emails", forget_emails),
    ("events", forget_events),
    ("orders", forget_orders),
    ("placements", forget_placements),
    ("accounts", forget_accounts),
)


def forget_customer(email: str) -> dict[str, int]:
    """Blank a person and return how many rows of each part; a second time finds nothing.

    Their address is suppressed first: what was recorded until now is sent there no more. Owns its
    transactions. Raises CannotForget while an order of theirs is open, and for staff.
    """
    _require_forgettable(email)
    with transaction.atomic(durable=True):
        _closed_orders(email)
    now = timezone.now()
    suppress(email, now)
    with transaction.atomic(durable=True):
        orders = _closed_orders(email)
        person = Person(
            email=email,
            numbers=[order.number for order in orders],
            order_ids=[order.pk for order in orders],
            at=now,
        )
        being_sent = count_being_sent(person)
        done = {name: forget(person) for name, forget in PARTS}
    return {**done, "being sent": being_sent}


def _closed_orders(email: str) -> list[Order]:
    try:
        return orders_of(email)
    except StillOpen as error:
        raise CannotForget(str(error)) from error


def _require_forgettable(email: str) -> None:
    try:
        validate_email(email)
    except ValidationError as error:
        raise CannotForget("That is no email address.") from error
    if User.objects.filter(email__iexact=email, is_staff=True).exists():
        raise CannotForget("This address belongs to a member of staff.")
