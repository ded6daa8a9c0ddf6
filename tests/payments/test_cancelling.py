"""Cancelling by the shop, wherever the payment stands."""

import pytest

from devtools.paypal.client import Emulator
from notifications.models import Event
from orders.fulfilment import ship_order
from orders.models import Order
from payments.cancelling import cancel_by_shop
from payments.duties import ask_paypal, send_refunds
from payments.endings import AlreadyShipped, PaymentInProgress
from payments.gateway import Unanswered
from payments.models import PaymentAttempt, Refund
from payments.settlement import settle
from shop.models import Variant
from tests.factories import VariantFactory, placed_order
from tests.paying import (
    approve,
    captures_sent,
    events_of,
    let_all_be_due,
    on_shelf,
    standing,
    violations,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def tea() -> Variant:
    return VariantFactory.create(stock=10)


@pytest.fixture
def order(paypal: Emulator, tea: Variant) -> Order:
    return placed_order((tea, 2))


def cancel(order: Order) -> None:
    cancel_by_shop(order_id=order.pk, reason="The roof leaks.", by="Lan")


def test_an_unpaid_order_fails_and_is_never_captured(
    paypal: Emulator, order: Order, tea: Variant
) -> None:
    attempt = approve(order)
    cancel(order)
    settle(attempt.pk, by="return")
    assert standing(order) == ("FAILED", "FAILED", "cancelled_by_shop")
    assert (on_shelf(tea.sku), captures_sent(paypal)) == ((10, 0), [])
    event = Event.objects.get(type="order.cancelled")
    assert event.body["cancellation"] == {"reason": "The roof leaks.", "refund": None}
    assert violations() == []


def test_a_paid_order_is_refunded_and_put_back(
    paypal: Emulator, order: Order, tea: Variant
) -> None:
    settle(approve(order).pk, by="return")
    cancel(order)
    assert standing(order) == ("CANCELLED", "REFUNDED", "")
    assert on_shelf(tea.sku) == (10, 0)
    assert paypal.captures()[0]["status"] == "REFUNDED"
    event = Event.objects.get(type="order.cancelled")
    assert event.body["cancellation"]["refund"] == {"amount": "29.00", "currency": "USD"}
    assert violations() == []


def test_the_refund_of_a_cancellation_is_covered_by_it(paypal: Emulator, order: Order) -> None:
    settle(approve(order).pk, by="return")
    paypal.fault("refund", "http_503")
    cancel(order)
    let_all_be_due()
    assert send_refunds() == 1
    cancelled = Event.objects.get(type="order.cancelled")
    refunded = Event.objects.get(type="payment.refunded")
    assert refunded.body["covered_by"] == str(cancelled.pk)


def test_cancelling_twice_is_cancelling_once(paypal: Emulator, order: Order, tea: Variant) -> None:
    settle(approve(order).pk, by="return")
    for _ in range(2):
        cancel(order)
    assert Refund.objects.count() == 1
    assert events_of(order) == ["order.confirmed", "order.cancelled", "payment.refunded"]
    assert on_shelf(tea.sku) == (10, 0)


def test_a_payment_being_captured_is_left_alone(paypal: Emulator, order: Order) -> None:
    attempt = approve(order)
    paypal.fault("capture", "http_503")
    with pytest.raises(Unanswered):
        settle(attempt.pk, by="return")
    with pytest.raises(PaymentInProgress):
        cancel(order)
    assert standing(order) == ("PENDING", "CAPTURING", "")


@pytest.mark.parametrize(
    ("outcome", "ends"),
    [
        ("completed", ("CANCELLED", "REFUNDED", "")),
        ("denied", ("FAILED", "FAILED", "declined")),
    ],
)
def test_the_wish_during_a_review_comes_true_afterwards(
    paypal: Emulator, order: Order, tea: Variant, outcome: str, ends: tuple[str, str, str]
) -> None:
    paypal.fault("capture", "pending_review")
    settle(approve(order).pk, by="return")
    cancel(order)
    assert standing(order) == ("PENDING", "REVIEW", "")
    paypal.review(paypal.captures()[0]["id"], outcome)
    let_all_be_due()
    ask_paypal()
    send_refunds()
    assert standing(order) == ends
    assert on_shelf(tea.sku) == (10, 0)
    assert violations() == []


def test_of_a_review_that_was_cancelled_only_the_cancelling_is_mailed(
    paypal: Emulator, order: Order
) -> None:
    paypal.fault("capture", "pending_review")
    attempt = approve(order)
    settle(attempt.pk, by="return")
    cancel(order)
    paypal.review(paypal.captures()[0]["id"], "completed")
    settle(attempt.pk, by="clock")
    mailed = {e.type: bool(e.personal["deliver_to"]) for e in Event.objects.exclude(type="")}
    assert (mailed["order.confirmed"], mailed["order.cancelled"]) == (False, True)


def test_what_is_shipped_is_not_cancelled(paypal: Emulator, order: Order) -> None:
    settle(approve(order).pk, by="return")
    ship_order(order_id=order.pk, carrier="VNPost", tracking_number="1", by="Lan")
    with pytest.raises(AlreadyShipped):
        cancel(order)
    assert not Refund.objects.exists()


def test_a_failed_order_stays_as_it_is(paypal: Emulator, order: Order) -> None:
    paypal.fault("capture", "decline")
    settle(approve(order).pk, by="return")
    cancel(order)
    assert standing(order) == ("FAILED", "FAILED", "declined")
    assert PaymentAttempt.objects.get().status == "CLOSED"
