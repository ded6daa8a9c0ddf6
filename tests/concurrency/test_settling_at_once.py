"""One order settled, cancelled and expired at the same moment, in real threads."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone
from pytest_django import Settings

from devtools.paypal.client import Emulator
from orders.models import Order
from payments.endings import CannotCancel, cancel_by_customer, expire_order
from payments.gateway import GatewayError
from payments.models import PaymentAttempt, Refund
from payments.opening import approval_url
from payments.paypal import gateway
from payments.refunds import follow_refund
from payments.settlement import settle
from shop.models import Variant
from tests.factories import VariantFactory, placed_order
from tests.paying import approve, captures_sent, events_of, let_claims_end, on_shelf, standing
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
