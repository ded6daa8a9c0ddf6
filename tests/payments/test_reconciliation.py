"""Our rows against PayPal's: one capture, and a period's books."""

from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
import requests
from django.core.management import CommandError, call_command
from django.utils import timezone
from time_machine import travel

from devtools.paypal.client import Emulator
from orders.lifecycle import OrderStatus
from orders.models import Order
from payments.duties import compare_captures
from payments.gateway import Unanswered
from payments.models import Capture, Payment, Refund
from payments.reconciliation import compare_capture
from payments.settlement import settle
from tests.factories import placed_order
from tests.paying import approve, events_of, let_all_be_due, standing, told_staff, violations

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(paypal: Emulator) -> Order:
    """Return an order paid with 16.50 USD."""
    order = placed_order()
    settle(approve(order).pk, by="return")
    return order


def refund_at_paypal(paypal: Emulator, amount: str = "") -> None:
    form = {"capture": Capture.objects.get().paypal_id, "amount": amount}
    requests.post(f"{paypal.base_url}/merchant/refund", data=form, timeout=30).raise_for_status()


# --- One capture


@pytest.mark.parametrize(
    ("amounts", "status"),
    [([""], "REFUNDED"), (["1.00", "2.00"], "PARTIALLY_REFUNDED"), (["6.50", "10.00"], "REFUNDED")],
)
def test_the_clock_finds_refunds_made_at_paypal(
    paypal: Emulator, order: Order, amounts: list[str], status: str
) -> None:
    for amount in amounts:
        refund_at_paypal(paypal, amount)
    let_all_be_due()
    assert compare_captures() == 1
    assert standing(order) == ("SUCCESS", status, "")
    assert Capture.objects.get().status == status
    assert told_staff(order) == ["refunded_at_paypal"] * len(amounts)
    assert violations() == []


def test_comparing_again_tells_nothing_new(paypal: Emulator, order: Order) -> None:
    refund_at_paypal(paypal, "1.00")
    for _ in range(3):
        compare_capture(Capture.objects.get().pk, by="clock")
    assert Refund.objects.count() == 1
    assert events_of(order) == ["order.confirmed", "payment.refunded"]


def test_a_refund_whose_order_paypal_does_not_show_is_told_all_the_same(
    paypal: Emulator, order: Order
) -> None:
    refund_at_paypal(paypal)
    Capture.objects.get().attempt.__class__.objects.update(paypal_order_id="FORGOTTEN")
    for _ in range(2):
        compare_capture(Capture.objects.get().pk, by="clock")
    order.refresh_from_db()
    assert (order.flag, told_staff(order)) == ("refunded_at_paypal", ["refunded_at_paypal"])


@pytest.mark.parametrize("kind", ["http_503", "truncated", "html_502", "reset", "other_id"])
def test_a_capture_that_paypal_did_not_answer_for_is_asked_about_again(
    paypal: Emulator, order: Order, kind: str
) -> None:
    paypal.fault("get_capture", kind)
    with pytest.raises(Unanswered):
        compare_capture(Capture.objects.get().pk, by="clock")
    assert standing(order) == ("SUCCESS", "SUCCESS", "")
    assert Capture.objects.get().ask_at is not None


@pytest.mark.parametrize(("shipped", "hours"), [(False, 1), (True, 24)])
def test_money_is_compared_hourly_until_it_is_shipped_then_daily(
    paypal: Emulator, order: Order, shipped: bool, hours: int
) -> None:
    now = timezone.now()
    if shipped:
        order.refresh_from_db()
        order.move_to(OrderStatus.SHIPPED, by="test", at=now)
    with travel(now + timedelta(hours=2), tick=False):
        assert (compare_captures(), compare_captures()) == (1, 0)
        assert Capture.objects.get().ask_at == timezone.now() + timedelta(hours=hours)


def test_after_180_days_money_is_compared_no_more(paypal: Emulator, order: Order) -> None:
    Capture.objects.update(recorded_at=timezone.now() - timedelta(days=180, seconds=1))
    let_all_be_due()
    compare_captures()
    assert Capture.objects.get().ask_at is None


# --- A period


def reconcile(*options: str) -> str:
    """Run the command a day from now, when PayPal's books know today; return what it printed."""
    since = (timezone.now() - timedelta(days=40)).date().isoformat()
    printed = StringIO()
    with travel(timezone.now() + timedelta(days=1), tick=False):
        try:
            call_command("reconcile_payments", "--since", since, *options, stdout=printed)
        except CommandError as error:
            printed.write(f"failed: {error}")
    return printed.getvalue()


def test_books_that_agree_say_so_with_paypals_fees(paypal: Emulator, order: Order) -> None:
    placed = placed_order()
    settle(approve(placed).pk, by="return")
    refund_first(paypal)
    told = reconcile()
    assert "3 transactions compared." in told
    assert "PayPal's fees: " in told
    assert "failed" not in told


def refund_first(paypal: Emulator) -> None:
    capture = Capture.objects.earliest("pk")
    form = {"capture": capture.paypal_id, "amount": "1.00"}
    requests.post(f"{paypal.base_url}/merchant/refund", data=form, timeout=30)
    compare_capture(capture.pk, by="test")


def test_what_paypal_took_and_we_do_not_know_is_printed_and_fixed(
    paypal: Emulator, order: Order
) -> None:
    lost = placed_order()
    paypal.fault("capture", "timeout_after_commit", delay_ms=100)
    with pytest.raises(Unanswered):
        settle(approve(lost).pk, by="return")
    told = reconcile()
    assert "nothing here, 16.50 USD at PayPal" in told
    assert "failed: 1 differences stand." in told
    assert "failed" not in reconcile("--fix")
    assert standing(lost) == ("SUCCESS", "SUCCESS", "")


def test_a_refund_we_do_not_know_is_printed_and_fixed(paypal: Emulator, order: Order) -> None:
    refund_at_paypal(paypal, "2.00")
    assert "nothing here, -2.00 USD at PayPal" in reconcile()
    assert "failed" not in reconcile("--fix")
    assert Payment.objects.get().status == "PARTIALLY_REFUNDED"


def test_what_we_have_and_paypal_does_not_stands(paypal: Emulator, order: Order) -> None:
    Capture.objects.update(paypal_id="INVENTED")
    told = reconcile()
    assert f"INVENTED of order {order.number}: 16.50 USD here, nothing at PayPal" in told
    assert "failed: 2 differences stand." in told


def test_another_amount_stands(paypal: Emulator, order: Order) -> None:
    Capture.objects.update(amount=Decimal("16.49"))
    assert "16.49 USD here, 16.50 USD at PayPal" in reconcile("--fix")


def test_the_latest_hours_are_no_difference_yet(paypal: Emulator, order: Order) -> None:
    Capture.objects.update(paypal_id="INVENTED")
    printed = StringIO()
    since = (timezone.now() - timedelta(days=1)).date().isoformat()
    call_command("reconcile_payments", "--since", since, stdout=printed)
    assert printed.getvalue() == "0 transactions compared.\n"


@pytest.mark.parametrize("kind", ["http_500", "truncated", "html_502", "empty", "reset"])
def test_books_that_paypal_does_not_show_are_no_agreement(
    paypal: Emulator, order: Order, kind: str
) -> None:
    paypal.fault("reporting", kind)
    assert "failed: PayPal was not compared" in reconcile()


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01", "2999-01-01"])
def test_a_period_that_is_none_is_refused(since: str) -> None:
    with pytest.raises(CommandError):
        call_command("reconcile_payments", "--since", since)
