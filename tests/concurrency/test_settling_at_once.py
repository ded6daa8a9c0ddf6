"""One order settled, cancelled and expired at the same moment, in real threads."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.utils import timezone
from pytest_django import Settings

from devtools.paypal.client import Emulator
from orders.fulfilment import ship_order
from orders.models import Order
from payments.cancelling import cancel_by_shop
from payments.endings import CannotCancel, cancel_by_customer, expire_order
from payments.gateway import GatewayError
from payments.models import PaymentAttempt, Refund
from payments.opening import approval_url
from payments.paypal import gateway
from payments.reconciliation import compare_capture
from payments.refund_recording import record_refund
from payments.refunds import (
    NothingLeft,
    RefundTooLarge,
    follow_refund,
    refund_payment,
    refund_stray,
)
from payments.settlement import settle
from shop.models import Variant
from tests.factories import VariantFactory, placed_order
from tests.paying import (
    approve,
    captures_sent,
    events_of,
    let_claims_end,
    on_shelf,
    standing,
    violations,
)
from tests.together import together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tea() -> Variant:
    return VariantFactory.create(stock=10)


@pytest.fixture
def order(tea: Variant) -> Order:
    return placed_order((tea, 2))


def test_eight_settle_at_once_and_capture_once(
    paypal: Emulator, order: Order, tea: Variant, settings: Settings
) -> None:
    settings.PAYPAL_CALLS = 8
    attempt = approve(order)
    paypal.fault("get", "latency", count=8, delay_ms=300)  # so that all read the same state
    paypal.fault("capture", "latency", count=8, delay_ms=300)
    outcomes = together([partial(settle, attempt.pk, by=f"test {n}") for n in range(8)])
    assert outcomes == [None] * 8
    assert standing(order) == ("SUCCESS", "SUCCESS", "")
    assert len(captures_sent(paypal)) == 1
    assert events_of(order) == ["order.confirmed"]
    assert on_shelf(tea.sku) == (8, 0)


def test_eight_resume_a_lost_capture_and_it_is_taken_once(
    paypal: Emulator, order: Order, tea: Variant
) -> None:
    attempt = approve(order)
    paypal.fault("capture", "reset")
    with pytest.raises(GatewayError):
        settle(attempt.pk, by="return")
    let_claims_end()
    together([partial(settle, attempt.pk, by="clock")] * 8)
    assert standing(order) == ("SUCCESS", "SUCCESS", "")
    assert len(set(captures_sent(paypal))) == 1
    assert len(paypal.captures()) == 1
    assert on_shelf(tea.sku) == (8, 0)


@pytest.mark.parametrize("round_", range(4))
def test_paying_and_cancelling_at_once_end_as_one_of_both(
    paypal: Emulator, order: Order, tea: Variant, round_: int
) -> None:
    attempt = approve(order)
    outcomes = together(
        [partial(settle, attempt.pk, by="return"), partial(cancel_by_customer, order_id=order.pk)]
    )
    assert all(one is None or isinstance(one, CannotCancel) for one in outcomes), outcomes
    if standing(order)[0] == "SUCCESS":
        assert (on_shelf(tea.sku), len(paypal.captures())) == ((8, 0), 1)
    else:
        assert standing(order) == ("FAILED", "FAILED", "cancelled")
        assert (on_shelf(tea.sku), len(paypal.captures())) == ((10, 0), 0)


@pytest.mark.parametrize("round_", range(4))
def test_paying_and_expiring_at_once_end_as_one_of_both(
    paypal: Emulator, order: Order, tea: Variant, round_: int
) -> None:
    attempt = approve(order)
    Order.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    outcomes = together([partial(settle, attempt.pk, by="return"), partial(expire_order, order.pk)])
    assert outcomes == [None, None]
    status, payment, _ = standing(order)
    assert status == payment
    assert len(paypal.captures()) == (status == "SUCCESS")
    assert on_shelf(tea.sku) == ((8, 0) if status == "SUCCESS" else (10, 0))


def test_pay_now_pressed_eight_times_opens_one_paypal_order(paypal: Emulator, order: Order) -> None:
    outcomes = together([partial(approval_url, order.transaction_id)] * 8)
    assert all(isinstance(one, str | GatewayError) for one in outcomes), outcomes
    assert PaymentAttempt.objects.count() == 1
    assert len(paypal.orders()) == 1


def test_a_refund_sent_by_eight_at_once_is_given_and_told_once(
    paypal: Emulator, order: Order
) -> None:
    attempt = approve(order)
    cancel_by_customer(order_id=order.pk)
    assert attempt.paypal_order_id
    gateway().capture_order(attempt.paypal_order_id, request_id=attempt.create_request_id)
    settle(attempt.pk, by="clock")
    outcomes = together([partial(follow_refund, Refund.objects.get().pk, by="clock")] * 8)
    assert None in outcomes
    assert Refund.objects.get().status == "COMPLETED"
    assert events_of(order).count("payment.refunded") == 1


@pytest.fixture
def paid(paypal: Emulator, order: Order) -> Order:
    settle(approve(order).pk, by="return")
    return order


def test_cancelled_by_eight_at_once_is_refunded_and_put_back_once(
    paypal: Emulator, paid: Order, tea: Variant
) -> None:
    cancel = partial(cancel_by_shop, order_id=paid.pk, reason="", by="Lan")
    assert sorted(map(str, together([cancel] * 8))) == ["False"] * 7 + ["True"]
    assert standing(paid)[:2] == ("CANCELLED", "REFUNDED")
    assert (on_shelf(tea.sku), Refund.objects.count()) == ((10, 0), 1)
    assert events_of(paid) == ["order.confirmed", "order.cancelled", "payment.refunded"]
    assert violations() == []


def test_refunds_at_once_never_exceed_what_was_captured(paypal: Emulator, paid: Order) -> None:
    wanted = Decimal("10.00")
    jobs = [partial(_refund, paid, wanted, uuid.uuid4()) for _ in range(6)]
    outcomes = together(jobs)
    assert sum(isinstance(one, RefundTooLarge) for one in outcomes) == 4, outcomes
    assert Refund.objects.going_back().total() == Decimal("20.00")
    assert violations() == []


def test_stray_money_tried_again_from_six_pages_at_once_goes_back_once(
    paypal: Emulator, order: Order
) -> None:
    attempt = approve(order)
    cancel_by_customer(order_id=order.pk)
    gateway().capture_order(str(attempt.paypal_order_id), request_id=uuid.uuid4())
    settle(attempt.pk, by="clock")
    paypal.fault("refund", "decline")
    follow_refund(Refund.objects.get().pk, by="clock")
    capture_id = Refund.objects.get().capture_id
    outcomes = together([partial(_refund_stray, capture_id) for _ in range(6)])
    assert sorted(map(type, outcomes), key=str) == [type(None), *[NothingLeft] * 5]
    assert [row.status for row in Refund.objects.all()] == ["FAILED", "COMPLETED"]
    assert violations() == []


def _refund_stray(capture_id: int) -> None:
    refund_stray(capture_id=capture_id, by="Lan", request_id=uuid.uuid4())


def test_one_form_sent_six_times_at_once_is_one_refund(paypal: Emulator, paid: Order) -> None:
    job = partial(_refund, paid, Decimal("5.00"), uuid.uuid4())
    assert together([job] * 6) == [None] * 6
    assert Refund.objects.get().amount == Decimal("5.00")


@pytest.mark.parametrize("round_", range(4))
def test_shipping_and_cancelling_at_once_end_as_one_of_both(
    paypal: Emulator, paid: Order, tea: Variant, round_: int
) -> None:
    ship = partial(ship_order, order_id=paid.pk, carrier="", tracking_number="", by="Lan")
    cancel = partial(cancel_by_shop, order_id=paid.pk, reason="", by="Mai")
    outcomes = together([ship, cancel])
    assert sum(isinstance(one, Exception) for one in outcomes) == 1, outcomes
    shipped = standing(paid)[0] == "SHIPPED"
    assert on_shelf(tea.sku) == ((8, 0) if shipped else (10, 0))
    assert violations() == []


def test_a_refund_is_recorded_once_by_answer_webhook_and_clock(
    paypal: Emulator, paid: Order
) -> None:
    _refund(paid, Decimal("5.00"), uuid.uuid4())
    refund = Refund.objects.select_related("capture").get()
    remote = gateway().get_refund(str(refund.paypal_id))
    Refund.objects.update(status="PENDING", ask_at=timezone.now())
    record = partial(record_refund, refund.capture, remote, by="test")
    compare = partial(compare_capture, refund.capture_id, by="clock")
    jobs: list[Callable[[], object]] = [record, compare, record, compare]
    outcomes = together(jobs)
    assert not any(isinstance(one, Exception) for one in outcomes), outcomes
    assert Refund.objects.count() == 1
    assert events_of(paid).count("payment.refunded") == 2  # the one undone above, and once more


def _refund(order: Order, amount: Decimal, request_id: uuid.UUID) -> None:
    refund_payment(order_id=order.pk, amount=amount, reason="", by="Lan", request_id=request_id)
