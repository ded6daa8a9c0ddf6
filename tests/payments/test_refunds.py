"""Refunds: what may go back, what PayPal makes of it, and what is told."""

import uuid
from decimal import Decimal

import pytest

from devtools.paypal.client import Emulator
from notifications.models import Event
from orders.models import Order
from payments.duties import ask_paypal, send_refunds
from payments.models import Capture, Payment, Refund
from payments.refunds import (
    CapturePending,
    NoAmount,
    NothingLeft,
    RefundTooLarge,
    refund_payment,
)
from payments.settlement import settle
from shop.models import Variant
from tests.factories import VariantFactory, placed_order
from tests.paying import approve, events_of, let_all_be_due, on_shelf, told_staff, violations

pytestmark = pytest.mark.django_db


@pytest.fixture
def tea() -> Variant:
    return VariantFactory.create(stock=10)


@pytest.fixture
def order(paypal: Emulator, tea: Variant) -> Order:
    """Return an order paid with 29.00 USD."""
    order = placed_order((tea, 2))
    settle(approve(order).pk, by="return")
    return order


def refund(order: Order, amount: str | None, request_id: uuid.UUID | None = None) -> None:
    refund_payment(
        order_id=order.pk,
        amount=None if amount is None else Decimal(amount),
        reason="goodwill",
        by="Lan",
        request_id=request_id or uuid.uuid4(),
    )


def payment_status(order: Order) -> str:
    return Payment.objects.get(order=order).status


def refunds_sent(paypal: Emulator) -> list[str]:
    asked = [call for call in paypal.requests() if call["path"].endswith("/refund")]
    return [call["headers"]["Paypal-Request-Id"] for call in asked]


def test_all_of_it_goes_back_at_once(paypal: Emulator, order: Order, tea: Variant) -> None:
    refund(order, None)
    assert payment_status(order) == "REFUNDED"
    assert paypal.captures()[0]["status"] == "REFUNDED"
    event = Event.objects.get(type="payment.refunded")
    assert event.body["refund"] == {"amount": "29.00", "currency": "USD", "reason": "goodwill"}
    assert (event.body["covered_by"], on_shelf(tea.sku)) == (None, (8, 0))
    assert violations() == []


def test_parts_add_up_to_the_whole(paypal: Emulator, order: Order) -> None:
    statuses = []
    for amount in ("10.00", "18.99", "0.01"):
        refund(order, amount)
        statuses.append(payment_status(order))
    assert statuses == ["PARTIALLY_REFUNDED", "PARTIALLY_REFUNDED", "REFUNDED"]
    assert events_of(order) == ["order.confirmed", *["payment.refunded"] * 3]
    assert violations() == []


def test_more_than_is_left_is_never_asked_for(paypal: Emulator, order: Order) -> None:
    refund(order, "20.00")
    with pytest.raises(RefundTooLarge, match=r"Only 9\.00 USD"):
        refund(order, "9.01")
    refund(order, None)
    with pytest.raises(NothingLeft):
        refund(order, "0.01")
    assert len(refunds_sent(paypal)) == 2


@pytest.mark.parametrize("amount", ["0", "-1.00", "0.001", "NaN", "Infinity"])
def test_what_is_no_amount_is_refused(paypal: Emulator, order: Order, amount: str) -> None:
    with pytest.raises(NoAmount):
        refund(order, amount)
    assert not Refund.objects.exists()


def test_second_click_finds_the_first_ones_refund(paypal: Emulator, order: Order) -> None:
    form = uuid.uuid4()
    for _ in range(2):
        refund(order, "5.00", form)
    assert refunds_sent(paypal) == [str(form)]
    assert Refund.objects.get().amount == Decimal("5.00")


def test_money_under_review_cannot_go_back_yet(paypal: Emulator, tea: Variant) -> None:
    paypal.fault("capture", "pending_review")
    order = placed_order(tea)
    settle(approve(order).pk, by="return")
    with pytest.raises(CapturePending):
        refund(order, None)


def test_what_was_never_paid_cannot_go_back(paypal: Emulator, tea: Variant) -> None:
    with pytest.raises(NothingLeft):
        refund(placed_order(tea), None)


@pytest.mark.parametrize(
    "kind", ["truncated", "empty", "reset", "http_500", "html_502", "timeout_after_commit"]
)
def test_lost_answer_is_asked_for_again_as_the_same_request(
    paypal: Emulator, order: Order, kind: str
) -> None:
    paypal.fault("refund", kind, delay_ms=100)
    refund(order, "5.00")
    assert payment_status(order) == "SUCCESS"
    let_all_be_due()
    assert send_refunds() == 1
    assert payment_status(order) == "PARTIALLY_REFUNDED"
    assert len(set(refunds_sent(paypal))) == 1
    assert events_of(order).count("payment.refunded") == 1


@pytest.mark.parametrize("kind", ["other_amount", "other_currency"])
def test_answer_about_another_sum_is_not_believed(
    paypal: Emulator, order: Order, kind: str
) -> None:
    paypal.fault("refund", kind)
    refund(order, "5.00")
    assert Refund.objects.get().status == "REQUESTED"


def test_an_open_refund_reserves_its_amount(paypal: Emulator, order: Order) -> None:
    paypal.fault("refund", "http_503")
    refund(order, "20.00")
    with pytest.raises(RefundTooLarge):
        refund(order, "10.00")
    assert violations() == []


def test_a_pending_refund_is_followed_to_its_completion(paypal: Emulator, order: Order) -> None:
    paypal.fault("refund", "pending_review")
    refund(order, None)
    assert (Refund.objects.get().status, payment_status(order)) == ("PENDING", "SUCCESS")
    paypal.review_refund(str(Refund.objects.get().paypal_id), "completed")
    let_all_be_due()
    assert send_refunds() == 1
    assert payment_status(order) == "REFUNDED"
    assert Refund.objects.get().ask_at is None
    assert violations() == []


def test_a_pending_refund_that_fails_frees_its_amount_and_is_told(
    paypal: Emulator, order: Order
) -> None:
    paypal.fault("refund", "pending_review")
    refund(order, None)
    paypal.review_refund(str(Refund.objects.get().paypal_id), "denied")
    let_all_be_due()
    send_refunds()
    order.refresh_from_db()
    assert (payment_status(order), order.flag) == ("SUCCESS", "refund_failed")
    assert told_staff(order) == ["refund_failed"]
    refund(order, None)
    assert payment_status(order) == "REFUNDED"


def test_a_refused_refund_is_told_and_not_sent_again(paypal: Emulator, order: Order) -> None:
    paypal.fault("refund", "decline")
    refund(order, "5.00")
    let_all_be_due()
    send_refunds()
    row = Refund.objects.get()
    assert (row.status, row.issue) == ("FAILED", "REFUND_FAILED_INSUFFICIENT_FUNDS")
    assert told_staff(order) == ["refund_failed"]
    assert len(refunds_sent(paypal)) == 1


def test_paypal_unreachable_while_following_leaves_the_refund_open(
    paypal: Emulator, order: Order
) -> None:
    paypal.fault("refund", "pending_review")
    refund(order, None)
    for kind in ("http_500", "truncated", "reset", "other_amount", "other_id"):
        paypal.fault("get_refund", kind)
        let_all_be_due()
        assert send_refunds() == 0
    assert Refund.objects.get().status == "PENDING"


def test_reading_the_refunded_order_again_changes_nothing(paypal: Emulator, order: Order) -> None:
    refund(order, None)
    let_all_be_due()
    assert ask_paypal() == 1
    assert Capture.objects.get().status == "REFUNDED"
    order.refresh_from_db()
    assert (order.flag, told_staff(order)) == ("", [])
