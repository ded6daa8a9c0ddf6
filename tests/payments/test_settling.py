"""settle(): the ways a payment ends."""

from datetime import timedelta

import pytest
from django.utils import timezone

from devtools.paypal.client import Emulator
from inventory.holds import set_stock
from inventory.lifecycle import HoldStatus
from inventory.models import StockHold
from notifications.models import Event
from orders.models import Order
from payments.duties import end_holds, expire_orders
from payments.endings import (
    PaymentInProgress,
    cancel_by_customer,
    expire_order,
    release_ended_hold,
)
from payments.gateway import Unanswered
from payments.models import Capture, PaymentAttempt
from payments.paypal import gateway
from payments.settlement import settle
from shop.models import Variant
from tests.factories import VariantFactory, placed_order
from tests.paying import (
    approve,
    captures_sent,
    choose,
    events_of,
    let_claims_end,
    on_shelf,
    open_at_paypal,
    standing,
    violations,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def tea() -> Variant:
    return VariantFactory.create(stock=10)


@pytest.fixture
def order(tea: Variant) -> Order:
    return placed_order((tea, 2))


def test_paid_order_and_payment_succeed_and_the_stock_is_deducted(
    paypal: Emulator, order: Order, tea: Variant
) -> None:
    settle(approve(order).pk, by="return")
    assert standing(order) == ("SUCCESS", "SUCCESS", "")
    assert on_shelf(tea.sku) == (8, 0)
    assert events_of(order) == ["order.confirmed"]
    (capture,) = paypal.captures()
    assert capture["custom_id"] == str(order.transaction_id)
    assert capture["amount"]["value"] == str(order.total)


def test_settling_again_changes_nothing(paypal: Emulator, order: Order, tea: Variant) -> None:
    attempt = approve(order)
    for by in ("return", "return", "webhook", "clock"):
        settle(attempt.pk, by=by)
    assert len(captures_sent(paypal)) == 1
    assert events_of(order) == ["order.confirmed"]
    assert on_shelf(tea.sku) == (8, 0)


def test_nothing_is_captured_before_the_payer_approved(paypal: Emulator, order: Order) -> None:
    settle(open_at_paypal(order).pk, by="clock")
    assert standing(order) == ("PENDING", "PENDING", "")
    assert captures_sent(paypal) == []


def test_closed_tab_is_settled_all_the_same(paypal: Emulator, order: Order) -> None:
    settle(approve(order, "leave").pk, by="webhook")
    assert standing(order) == ("SUCCESS", "SUCCESS", "")


def test_declined_card_leaves_the_order_payable(
    paypal: Emulator, order: Order, tea: Variant
) -> None:
    settle(approve(order, "decline").pk, by="return")
    assert standing(order) == ("PENDING", "PENDING", "")
    attempt = PaymentAttempt.objects.get()
    assert (attempt.status, attempt.issue) == ("CLOSED", "INSTRUMENT_DECLINED")
    assert on_shelf(tea.sku) == (10, 2)
    assert events_of(order) == ["order.payment_failed"]


def test_second_attempt_after_a_declined_card_pays(paypal: Emulator, order: Order) -> None:
    settle(approve(order, "decline").pk, by="return")
    settle(approve(order).pk, by="return")
    assert standing(order) == ("SUCCESS", "SUCCESS", "")
    (capture,) = paypal.captures()
    assert capture["invoice_id"] == f"{order.number}-2"
    assert len(set(captures_sent(paypal))) == 2


def test_declined_twice_is_mailed_once(paypal: Emulator, order: Order) -> None:
    for _ in range(2):
        settle(approve(order, "decline").pk, by="return")
    told = [
        bool(event.personal["deliver_to"])
        for event in Event.objects.filter(type="order.payment_failed").order_by("recorded_at")
    ]
    assert told == [True, False]


def test_final_refusal_fails_the_order_and_gives_the_stock_back(
    paypal: Emulator, order: Order, tea: Variant
) -> None:
    paypal.fault("capture", "decline")
    settle(approve(order).pk, by="return")
    assert standing(order) == ("FAILED", "FAILED", "declined")
    assert on_shelf(tea.sku) == (10, 0)
    assert events_of(order) == ["order.payment_failed"]


def test_capture_that_paypal_declined_leaves_the_order_payable(
    paypal: Emulator, order: Order
) -> None:
    paypal.fault("capture", "declined_capture")
    settle(approve(order).pk, by="return")
    assert standing(order) == ("PENDING", "PENDING", "")
    assert PaymentAttempt.objects.get().status == "CLOSED"


@pytest.mark.parametrize(
    "issue", ["ORDER_EXPIRED", "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED", "ORDER_NOT_APPROVED"]
)
def test_refusal_that_is_not_final_closes_only_the_attempt(
    paypal: Emulator, order: Order, issue: str
) -> None:
    paypal.fault("capture", "issue", issue=issue)
    settle(approve(order).pk, by="return")
    assert standing(order) == ("PENDING", "PENDING", "")
    assert PaymentAttempt.objects.get().issue == issue


def test_customer_may_cancel_an_unpaid_order(paypal: Emulator, order: Order, tea: Variant) -> None:
    attempt = approve(order)
    cancel_by_customer(order_id=order.pk)
    settle(attempt.pk, by="return")
    assert standing(order) == ("FAILED", "FAILED", "cancelled")
    assert on_shelf(tea.sku) == (10, 0)
    assert captures_sent(paypal) == []
    assert events_of(order) == ["order.payment_failed"]


def test_sold_out_after_approval_is_never_captured(
    paypal: Emulator, order: Order, tea: Variant
) -> None:
    attempt = approve(order)
    StockHold.objects.update(held_until=timezone.now())
    end_holds()
    set_stock(sku=tea.sku, on_hand=1, by="test")
    settle(attempt.pk, by="return")
    assert standing(order) == ("FAILED", "FAILED", "sold_out")
    assert captures_sent(paypal) == []
    assert on_shelf(tea.sku) == (1, 0)
    assert events_of(order) == ["order.sold_out"]


def test_one_line_sold_out_releases_the_others(paypal: Emulator, tea: Variant) -> None:
    cup = VariantFactory.create(stock=1)
    order = placed_order(tea, cup)
    attempt = approve(order)
    StockHold.objects.update(held_until=timezone.now())
    end_holds()
    placed_order(cup)
    settle(attempt.pk, by="clock")
    assert standing(order) == ("FAILED", "FAILED", "sold_out")
    assert on_shelf(tea.sku) == (10, 0)


def test_ended_hold_is_won_back_while_the_stock_is_there(
    paypal: Emulator, order: Order, tea: Variant
) -> None:
    attempt = approve(order)
    StockHold.objects.update(held_until=timezone.now())
    assert end_holds() == 1
    assert on_shelf(tea.sku) == (10, 0)
    settle(attempt.pk, by="return")
    assert standing(order) == ("SUCCESS", "SUCCESS", "")
    assert on_shelf(tea.sku) == (8, 0)


@pytest.mark.parametrize("kind", ["other_amount", "other_currency"])
def test_order_of_another_sum_is_never_captured(paypal: Emulator, order: Order, kind: str) -> None:
    attempt = approve(order)
    paypal.fault("get", kind)
    settle(attempt.pk, by="return")
    order.refresh_from_db()
    assert captures_sent(paypal) == []
    assert order.flag == "amount_differs"
    assert PaymentAttempt.objects.get().status == "CLOSED"


def test_answer_about_another_order_is_not_believed(paypal: Emulator, order: Order) -> None:
    attempt = approve(order)
    paypal.fault("get", "other_id")
    with pytest.raises(Unanswered):
        settle(attempt.pk, by="return")
    settle(attempt.pk, by="clock")
    assert standing(order) == ("SUCCESS", "SUCCESS", "")


def test_capture_answered_for_another_order_is_not_believed(paypal: Emulator, order: Order) -> None:
    attempt = approve(order)
    paypal.fault("capture", "other_id")
    with pytest.raises(Unanswered):
        settle(attempt.pk, by="return")
    assert not Capture.objects.exists()
    assert standing(order) == ("PENDING", "CAPTURING", "")


@pytest.mark.parametrize(
    "kind", ["truncated", "empty", "reset", "http_500", "html_502", "timeout_after_commit"]
)
def test_unanswered_capture_is_sent_again_as_the_same_request(
    paypal: Emulator, order: Order, tea: Variant, kind: str
) -> None:
    attempt = approve(order)
    paypal.fault("capture", kind, delay_ms=100)
    with pytest.raises(Unanswered):
        settle(attempt.pk, by="return")
    assert standing(order) == ("PENDING", "CAPTURING", "")
    let_claims_end()
    settle(attempt.pk, by="clock")
    assert standing(order) == ("SUCCESS", "SUCCESS", "")
    assert len(set(captures_sent(paypal))) == 1
    assert len(paypal.captures()) == 1
    assert on_shelf(tea.sku) == (8, 0)


def test_capture_taken_after_paypals_order_was_read_is_not_taken_again(
    paypal: Emulator, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = approve(order)
    as_approved = gateway().get_order(str(attempt.paypal_order_id))
    paypal.fault("capture", "timeout_after_commit", delay_ms=100)
    monkeypatch.setattr(gateway(), "get_order", lambda _: as_approved)
    with pytest.raises(Unanswered):
        settle(attempt.pk, by="return")
    let_claims_end()
    settle(attempt.pk, by="clock")
    assert standing(order) == ("SUCCESS", "SUCCESS", "")
    assert len(captures_sent(paypal)) == 2
    assert len(set(captures_sent(paypal))) == len(paypal.captures()) == 1


def test_while_one_process_captures_another_sends_nothing(paypal: Emulator, order: Order) -> None:
    attempt = approve(order)
    paypal.fault("capture", "http_503")
    with pytest.raises(Unanswered):
        settle(attempt.pk, by="return")
    settle(attempt.pk, by="webhook")
    assert len(captures_sent(paypal)) == 1
    assert standing(order) == ("PENDING", "CAPTURING", "")


def test_nothing_else_touches_an_order_that_is_being_captured(
    paypal: Emulator, order: Order, tea: Variant
) -> None:
    attempt = approve(order)
    paypal.fault("capture", "http_503")
    with pytest.raises(Unanswered):
        settle(attempt.pk, by="return")
    _end_what_may_end(order)
    with pytest.raises(PaymentInProgress):
        cancel_by_customer(order_id=order.pk)
    assert standing(order) == ("PENDING", "CAPTURING", "")
    assert on_shelf(tea.sku) == (10, 2)


def test_payment_under_review_waits_with_its_stock(
    paypal: Emulator, order: Order, tea: Variant
) -> None:
    paypal.fault("capture", "pending_review")
    settle(approve(order).pk, by="return")
    _end_what_may_end(order)
    with pytest.raises(PaymentInProgress):
        cancel_by_customer(order_id=order.pk)
    assert standing(order) == ("PENDING", "REVIEW", "")
    assert on_shelf(tea.sku) == (10, 2)
    assert events_of(order) == ["order.payment_review"]


@pytest.mark.parametrize(
    ("outcome", "ends", "stock"),
    [
        ("completed", ("SUCCESS", "SUCCESS", ""), (8, 0)),
        ("denied", ("FAILED", "FAILED", "declined"), (10, 0)),
    ],
)
def test_review_ends_either_way(
    paypal: Emulator,
    order: Order,
    tea: Variant,
    outcome: str,
    ends: tuple[str, str, str],
    stock: tuple[int, int],
) -> None:
    paypal.fault("capture", "pending_review")
    attempt = approve(order)
    settle(attempt.pk, by="return")
    paypal.review(paypal.captures()[0]["id"], outcome)
    for _ in range(2):
        settle(attempt.pk, by="clock")
    assert standing(order) == ends
    assert on_shelf(tea.sku) == stock
    assert len(events_of(order)) == 2


def test_unpaid_order_expires(paypal: Emulator, order: Order, tea: Variant) -> None:
    attempt = approve(order)
    _let_everything_end()
    assert expire_orders() == 1
    settle(attempt.pk, by="clock")
    assert standing(order) == ("FAILED", "FAILED", "expired")
    assert events_of(order) == ["order.expired"]
    assert captures_sent(paypal) == []
    assert on_shelf(tea.sku) == (10, 0)


def test_order_that_expires_after_a_refusal_was_declined(paypal: Emulator, order: Order) -> None:
    settle(approve(order, "decline").pk, by="return")
    _let_everything_end()
    expire_orders()
    assert standing(order) == ("FAILED", "FAILED", "declined")
    assert events_of(order) == ["order.payment_failed", "order.expired"]


def test_expiry_comes_once(paypal: Emulator, order: Order) -> None:
    _let_everything_end()
    assert (expire_orders(), expire_orders()) == (1, 0)
    assert events_of(order) == ["order.expired"]


def test_order_paypal_has_forgotten_closes_its_attempt(paypal: Emulator, order: Order) -> None:
    attempt = open_at_paypal(order)
    paypal.advance(6 * 3600)
    settle(attempt.pk, by="clock")
    assert standing(order) == ("PENDING", "PENDING", "")
    assert PaymentAttempt.objects.get().issue == "INVALID_RESOURCE_ID"


def test_capturing_ends_when_paypal_has_forgotten_the_order(
    paypal: Emulator, order: Order, tea: Variant
) -> None:
    attempt = approve(order)
    paypal.fault("capture", "http_503")
    with pytest.raises(Unanswered):
        settle(attempt.pk, by="return")
    paypal.advance(6 * 3600)
    settle(attempt.pk, by="webhook")
    assert standing(order) == ("PENDING", "CAPTURING", "")  # that capture is waited for
    let_claims_end()
    settle(attempt.pk, by="clock")
    assert standing(order) == ("FAILED", "FAILED", "expired")
    assert on_shelf(tea.sku) == (10, 0)


def test_capturing_ends_when_paypals_windows_are_over_and_nothing_was_captured(
    paypal: Emulator, order: Order, tea: Variant
) -> None:
    attempt = approve(order)
    paypal.fault("capture", "issue", count=3, issue="ORDER_COMPLETED_OR_VOIDED")
    for _ in range(2):
        settle(attempt.pk, by="clock")
        let_claims_end()
    assert standing(order) == ("PENDING", "CAPTURING", "")
    PaymentAttempt.objects.update(opened_at=timezone.now() - timedelta(hours=6, seconds=1))
    settle(attempt.pk, by="clock")
    assert standing(order) == ("FAILED", "FAILED", "expired")
    assert on_shelf(tea.sku) == (10, 0)
    assert violations() == []


def test_cancelling_at_paypal_leaves_the_order_as_it_was(paypal: Emulator, order: Order) -> None:
    attempt = open_at_paypal(order)
    choose(attempt, "cancel")
    settle(attempt.pk, by="clock")
    assert standing(order) == ("PENDING", "PENDING", "")


def _end_what_may_end(order: Order) -> None:
    """Let the clock come, one that read its list of cases a moment ago included."""
    _let_everything_end()
    assert (end_holds(), expire_orders()) == (0, 0)
    expire_order(order.pk)
    release_ended_hold(order.pk)


def _let_everything_end() -> None:
    past = timezone.now() - timedelta(seconds=1)
    Order.objects.update(expires_at=past)
    StockHold.objects.filter(status=HoldStatus.HELD).update(held_until=past)
