"""What a customer does at PayPal, and what became of the order: for tests with the emulator."""

from datetime import timedelta

import requests
from django.conf import settings
from django.utils import timezone

from devtools.paypal.client import Emulator
from inventory.models import Stock
from notifications.models import Event
from orders.models import Order
from payments.lifecycle import AttemptStatus
from payments.models import Capture, Payment, PaymentAttempt, Refund, WebhookReceipt
from payments.opening import approval_url
from shop.books import find_violations
from shop.invariants import INVARIANTS


def open_at_paypal(order: Order) -> PaymentAttempt:
    """Open the order's payment at PayPal, and return the attempt."""
    approval_url(order.transaction_id)
    return PaymentAttempt.objects.get(payment__order=order, status=AttemptStatus.OPEN)


def choose(attempt: PaymentAttempt, choice: str) -> requests.Response:
    """Send one form of PayPal's page: pay, decline, cancel or leave. No redirect is followed."""
    response = requests.post(
        f"{settings.PAYPAL_BASE_URL}/checkoutnow/{choice}",
        data={"token": attempt.paypal_order_id},
        allow_redirects=False,
        timeout=30,
    )
    assert response.status_code in {200, 303}, response.text
    return response


def approve(order: Order, choice: str = "pay") -> PaymentAttempt:
    """Open the payment and approve it at PayPal; nothing is settled yet."""
    attempt = open_at_paypal(order)
    choose(attempt, choice)
    return attempt


def standing(order: Order) -> tuple[str, str, str]:
    """Return where order and payment stand now, and why the order failed, if it did."""
    order.refresh_from_db()
    return order.status, Payment.objects.get(order=order).status, order.reason


def events_of(order: Order) -> list[str]:
    """Return the types of the order's own events, oldest first, but for its placing."""
    types = Event.objects.filter(subject=order.number).order_by("recorded_at")
    others = {"order.placed", "staff.attention"}
    return [one for one in types.values_list("type", flat=True) if one not in others]


def told_staff(order: Order) -> list[str]:
    """Return what staff were told of the order, oldest first."""
    events = Event.objects.filter(subject=order.number, type="staff.attention")
    bodies = events.order_by("recorded_at").values_list("body", flat=True)
    return [case["what"] for body in bodies for case in body["attention"]["cases"]]


def let_all_be_due() -> None:
    """Behave as if the clock's time to ask, to send and to work had come for everything."""
    now = timezone.now()
    for model in (PaymentAttempt, Capture, Refund):
        model.objects.exclude(ask_at=None).update(ask_at=now)
    WebhookReceipt.objects.exclude(try_at=None).update(try_at=now)


def on_shelf(sku: str) -> tuple[int, int]:
    """Return what is on hand of a SKU, and what of it is held."""
    stock = Stock.objects.get(sku=sku)
    return stock.on_hand, stock.held


def let_claims_end() -> None:
    """Behave as if the process that captures had been waited for long enough."""
    PaymentAttempt.objects.update(capture_claimed_until=timezone.now() - timedelta(seconds=1))


def captures_sent(paypal: Emulator) -> list[str]:
    """Return the request id of every capture that PayPal was asked for."""
    asked = [call for call in paypal.requests() if call["path"].endswith("/capture")]
    return [call["headers"]["Paypal-Request-Id"] for call in asked]


def violations() -> list[str]:
    """Return the names of the invariants of the books that are broken now."""
    return [one.name for one in INVARIANTS if find_violations(one).violations]
