"""The reminder to pay: once, while the items are set aside, and not to the pestered."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from devtools.paypal.client import Emulator
from inventory.models import StockHold
from notifications.models import Event
from orders.models import Order
from payments.duties import expire_orders, remind_customers
from payments.lifecycle import PaymentStatus
from payments.models import Payment
from payments.reminding import remind_customer
from tests.factories import contact, placed_order
from tests.paying import approve
from tests.together import together

pytestmark = pytest.mark.django_db


def hold_ends_in(minutes: float) -> None:
    StockHold.objects.update(held_until=timezone.now() + timedelta(minutes=minutes))


def reminders() -> list[Event]:
    return list(Event.objects.filter(type="order.payment_reminder").order_by("recorded_at"))


def mailed(kind: str) -> list[bool]:
    """Say for each event of a type, oldest first, whether anybody is told."""
    told = Event.objects.filter(type=kind).order_by("recorded_at")
    return [bool(event.personal["deliver_to"]) for event in told]


def test_an_unpaid_order_is_reminded_once_and_until_its_hold_ends() -> None:
    order = placed_order()
    hold_ends_in(4)
    assert (remind_customers(), remind_customers()) == (1, 0)
    (event,) = reminders()
    until = StockHold.objects.get().held_until.isoformat()
    assert event.subject == order.number
    assert (event.body["valid_until"], event.body["hold"]) == (until, {"until": until})
    assert event.personal["deliver_to"][0]["email"] == order.email


@pytest.mark.parametrize("minutes", [5.5, -0.1])
def test_nobody_is_reminded_too_early_or_too_late(minutes: float) -> None:
    placed_order()
    hold_ends_in(minutes)
    assert remind_customers() == 0


def test_a_short_hold_is_not_reminded_of_at_its_beginning(settings: Settings) -> None:
    assert settings.ORDER_REMINDER <= settings.ORDER_HOLD / 3
    placed_order()
    assert remind_customers() == 0


@pytest.mark.parametrize("status", [PaymentStatus.CAPTURING, PaymentStatus.REVIEW])
def test_who_is_paying_is_not_reminded(status: str, paypal: Emulator) -> None:
    order = placed_order()
    approve(order)
    hold_ends_in(4)
    payment = Payment.objects.get(order=order)
    payment.move_to(PaymentStatus.CAPTURING, by="test", at=timezone.now())
    if status == PaymentStatus.REVIEW:
        payment.move_to(PaymentStatus.REVIEW, by="test", at=timezone.now())
    remind_customer(order.pk)
    assert (remind_customers(), reminders()) == (0, [])


def _three_unpaid(**changes: Any) -> list[Order]:
    spellings = ("lan@example.com", "Lan@example.com", "LAN@EXAMPLE.COM")
    return [placed_order(contact=contact(email=spelling)) for spelling in spellings]


def test_an_address_with_two_unpaid_orders_a_day_is_reminded_no_more() -> None:
    _three_unpaid()
    hold_ends_in(4)
    assert remind_customers() == 3
    assert sorted(mailed("order.payment_reminder")) == [False, True, True]


def test_an_address_with_two_unpaid_orders_a_day_hears_of_no_more_that_expire() -> None:
    _three_unpaid()
    Order.objects.update(expires_at=timezone.now())
    assert expire_orders() == 3
    assert sorted(mailed("order.expired")) == [False, True, True]


def test_orders_of_another_day_are_not_counted() -> None:
    *earlier, _ = _three_unpaid()
    Order.objects.filter(pk__in=[one.pk for one in earlier]).update(
        placed_at=timezone.now() - timedelta(days=1, minutes=1)
    )
    Order.objects.update(expires_at=timezone.now())
    expire_orders()
    assert mailed("order.expired") == [True, True, True]


@pytest.mark.django_db(transaction=True)
def test_two_clocks_remind_once() -> None:
    order = placed_order()
    hold_ends_in(4)
    together([lambda: remind_customer(order.pk)] * 2)
    assert len(reminders()) == 1
