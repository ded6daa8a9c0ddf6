"""Money that came where none was due: recorded, refunded, flagged."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from devtools.paypal.client import Emulator
from inventory import holds
from inventory.holds import set_stock
from notifications.models import Event
from orders.models import Order
from payments.duties import ask_paypal, send_refunds
from payments.endings import cancel_by_customer
from payments.gateway import RemoteCapture
from payments.models import Capture, PaymentAttempt, Refund
from payments.paypal import gateway
from payments.recording import record_captures
from payments.settlement import settle
from shop.models import Variant
from tests.factories import VariantFactory, placed_order
from tests.paying import (
    approve,
    choose,
    events_of,
    let_all_be_due,
    on_shelf,
    open_at_paypal,
    standing,
    told_staff,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def tea() -> Variant:
    return VariantFactory.create(stock=10)


@pytest.fixture
def order(tea: Variant) -> Order:
    return placed_order((tea, 2))


def capture_elsewhere(attempt: PaymentAttempt) -> None:
    """Take the money without the shop's doing."""
    assert attempt.paypal_order_id
    gateway().capture_order(attempt.paypal_order_id, request_id=attempt.create_request_id)


def remote(order: Order, **changes: object) -> list[RemoteCapture]:
    found = {"id": "CAPTURE1", "status": "COMPLETED", "amount": order.total, "currency": "USD"}
    return [RemoteCapture(**{**found, **changes})]  # type: ignore[arg-type]


def test_money_captured_elsewhere_pays_the_order(
    paypal: Emulator, order: Order, tea: Variant
) -> None:
    attempt = approve(order)
    capture_elsewhere(attempt)
    settle(attempt.pk, by="clock")
    assert standing(order) == ("SUCCESS", "SUCCESS", "")
    assert on_shelf(tea.sku) == (8, 0)


def test_money_for_a_cancelled_order_is_refunded(paypal: Emulator, order: Order) -> None:
    attempt = approve(order)
    cancel_by_customer(order_id=order.pk)
    capture_elsewhere(attempt)
    settle(attempt.pk, by="clock")
    assert send_refunds() == 1
    assert standing(order) == ("FAILED", "FAILED", "cancelled")
    assert order.flag == "stray_money"
    assert told_staff(order) == ["stray_money"]
    assert paypal.captures()[0]["status"] == "REFUNDED"
    assert events_of(order)[-1] == "payment.refunded"


def test_second_capture_of_a_paid_order_is_refunded_on_its_own_row(
    paypal: Emulator, order: Order, tea: Variant
) -> None:
    first = approve(order)
    settle(first.pk, by="return")
    stray = _second_capture(order, first)
    for _ in range(2):
        settle(stray.pk, by="clock")
        send_refunds()
    assert standing(order) == ("SUCCESS", "SUCCESS", "")
    assert on_shelf(tea.sku) == (8, 0)
    assert sorted(c["status"] for c in paypal.captures()) == ["COMPLETED", "REFUNDED"]
    assert list(Capture.objects.values_list("attempt", "is_settling")) == [
        (first.pk, True),
        (stray.pk, False),
    ]


def _second_capture(order: Order, first: PaymentAttempt) -> PaymentAttempt:
    """Have the payer pay a second PayPal order, as two tabs might."""
    other = approve(placed_order(VariantFactory.create(price=Decimal("25.00"))))
    capture_elsewhere(other)
    now = timezone.now()
    stray_id, other.paypal_order_id = other.paypal_order_id, "TAKEN"
    other.save()
    return first.payment.attempts.create(
        number=2,
        status="CLOSED",
        create_request_id=uuid.uuid4(),
        paypal_order_id=stray_id,
        opened_at=now,
        closed_at=now,
    )


def test_money_found_on_a_closed_attempt_is_refunded_though_the_order_is_unpaid(
    paypal: Emulator, order: Order
) -> None:
    attempt = approve(order, "decline")
    settle(attempt.pk, by="return")
    record_captures(attempt.pk, remote(order), by="clock")
    assert standing(order) == ("PENDING", "PENDING", "")
    assert Refund.objects.get().amount == order.total
    order.refresh_from_db()
    assert order.flag == "stray_money"


def test_nobody_reads_that_nothing_was_charged_once_money_has_moved(
    paypal: Emulator, order: Order
) -> None:
    attempt = approve(order, "decline")
    settle(attempt.pk, by="return")
    record_captures(attempt.pk, remote(order), by="clock")
    cancel_by_customer(order_id=order.pk)
    told = {e.type: e.personal["deliver_to"] for e in Event.objects.order_by("recorded_at")}
    assert told["order.payment_failed"] == []


@pytest.mark.parametrize("wrong", [{"amount": Decimal("1.00")}, {"currency": "EUR"}])
def test_another_sum_than_ours_is_refunded_and_ends_the_order(
    paypal: Emulator, order: Order, tea: Variant, wrong: dict[str, object]
) -> None:
    attempt = approve(order)
    record_captures(attempt.pk, remote(order, **wrong), by="webhook")
    assert standing(order) == ("FAILED", "FAILED", "payment_mismatch")
    assert on_shelf(tea.sku) == (10, 0)
    refund = Refund.objects.get()
    assert {"amount": refund.amount, "currency": refund.currency}.items() >= wrong.items()
    assert events_of(order) == ["order.payment_mismatch"]


def test_money_that_came_when_the_stock_was_gone_is_refunded(
    paypal: Emulator, order: Order, tea: Variant
) -> None:
    attempt = approve(order)
    holds.release(reference=order.transaction_id, by="test", at=timezone.now())
    set_stock(sku=tea.sku, on_hand=0, by="test")
    capture_elsewhere(attempt)
    settle(attempt.pk, by="clock")
    assert standing(order) == ("FAILED", "FAILED", "sold_out")
    assert Refund.objects.get().amount == order.total


def test_money_of_a_status_nobody_knows_is_not_success(
    paypal: Emulator, order: Order, tea: Variant
) -> None:
    attempt = approve(order)
    record_captures(attempt.pk, remote(order, status="ON_THE_MOON"), by="clock")
    assert standing(order) == ("PENDING", "REVIEW", "")
    assert on_shelf(tea.sku) == (10, 2)
    record_captures(attempt.pk, remote(order), by="clock")
    assert standing(order) == ("SUCCESS", "SUCCESS", "")


def test_a_late_answer_does_not_turn_time_back(paypal: Emulator, order: Order) -> None:
    attempt = approve(order)
    for status in ("PENDING", "COMPLETED", "PENDING"):
        record_captures(attempt.pk, remote(order, status=status), by="clock")
    assert standing(order) == ("SUCCESS", "SUCCESS", "")
    assert Capture.objects.get().status == "COMPLETED"


def test_a_capture_declined_elsewhere_closes_the_attempt(paypal: Emulator, order: Order) -> None:
    attempt = approve(order)
    record_captures(attempt.pk, remote(order, status="DECLINED"), by="webhook")
    assert standing(order) == ("PENDING", "PENDING", "")
    assert PaymentAttempt.objects.get().status == "CLOSED"


def test_a_review_outlives_paypals_forgetting(paypal: Emulator, order: Order) -> None:
    paypal.fault("capture", "pending_review")
    attempt = approve(order)
    settle(attempt.pk, by="return")
    paypal.reset()
    settle(attempt.pk, by="clock")
    assert standing(order) == ("PENDING", "REVIEW", "")
    assert PaymentAttempt.objects.get().status == "OPEN"


@pytest.mark.parametrize("status", ["REFUNDED", "PARTIALLY_REFUNDED"])
def test_money_gone_back_before_we_saw_it_is_flagged(
    paypal: Emulator, order: Order, status: str
) -> None:
    attempt = approve(order)
    record_captures(attempt.pk, remote(order, status=status), by="clock")
    assert standing(order) == ("SUCCESS", "SUCCESS", "")
    assert order.flag == "refunded_at_paypal"


def test_a_flag_that_staff_cleared_stays_cleared(paypal: Emulator, order: Order) -> None:
    attempt = approve(order)
    cancel_by_customer(order_id=order.pk)
    capture_elsewhere(attempt)
    settle(attempt.pk, by="clock")
    send_refunds()
    Order.objects.update(flag="")
    settle(attempt.pk, by="clock")
    assert Capture.objects.get().status == "REFUNDED"
    order.refresh_from_db()
    assert order.flag == ""


def test_stray_money_under_review_is_refunded_once_it_is_ours(
    paypal: Emulator, order: Order
) -> None:
    attempt = approve(order)
    cancel_by_customer(order_id=order.pk)
    paypal.fault("capture", "pending_review")
    capture_elsewhere(attempt)
    settle(attempt.pk, by="clock")
    assert not Refund.objects.exists()
    paypal.review(paypal.captures()[0]["id"], "completed")
    settle(attempt.pk, by="clock")
    assert send_refunds() == 1


def test_refund_lost_on_the_way_is_sent_again_as_the_same_request(
    paypal: Emulator, order: Order
) -> None:
    attempt = approve(order)
    cancel_by_customer(order_id=order.pk)
    capture_elsewhere(attempt)
    settle(attempt.pk, by="clock")
    paypal.fault("refund", "truncated")
    assert send_refunds() == 0
    let_all_be_due()
    assert (send_refunds(), send_refunds()) == (1, 0)
    sent = [r for r in paypal.requests() if r["path"].endswith("/refund")]
    assert len({r["headers"]["Paypal-Request-Id"] for r in sent}) == 1
    assert events_of(order).count("payment.refunded") == 1


def test_the_clock_finds_money_on_a_closed_attempt(paypal: Emulator, order: Order) -> None:
    attempt = open_at_paypal(order)
    cancel_by_customer(order_id=order.pk)
    choose(attempt, "pay")
    capture_elsewhere(attempt)
    PaymentAttempt.objects.update(ask_at=timezone.now() - timedelta(seconds=1))
    assert ask_paypal() == 1
    assert Refund.objects.exists()


def test_the_clock_stops_asking_when_paypals_windows_are_over(
    paypal: Emulator, order: Order
) -> None:
    open_at_paypal(order)
    cancel_by_customer(order_id=order.pk)
    now = timezone.now()
    PaymentAttempt.objects.update(ask_at=now, opened_at=now - timedelta(hours=6, seconds=1))
    assert ask_paypal() == 1
    assert PaymentAttempt.objects.get().ask_at is None


def test_the_clock_asks_ever_less_often(paypal: Emulator, order: Order) -> None:
    open_at_paypal(order)
    waits = []
    for _ in range(8):
        now = timezone.now()
        PaymentAttempt.objects.update(ask_at=now)
        ask_paypal()
        next_at = PaymentAttempt.objects.get().ask_at
        assert next_at is not None
        waits.append(round((next_at - now).total_seconds()))
    assert waits == sorted(waits)
    assert waits[-1] == 1800
