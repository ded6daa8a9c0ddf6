"""Opening a payment at PayPal: one PayPal order for one attempt, however often it is asked for."""

from datetime import timedelta

import pytest
import requests
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from devtools.paypal.client import Emulator
from orders.models import Order
from payments.endings import cancel_by_customer
from payments.gateway import Refused, Unanswered
from payments.models import PaymentAttempt
from payments.opening import NothingToPay, approval_url
from payments.settlement import settle
from tests.factories import VariantFactory, placed_order
from tests.paying import approve, open_at_paypal

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    return placed_order()


def test_the_link_leads_to_paypals_page_for_this_order(paypal: Emulator, order: Order) -> None:
    page = requests.get(approval_url(order.transaction_id), timeout=30)
    assert page.ok
    assert "Lotus tea" in page.text


def test_asking_again_finds_the_live_attempt(paypal: Emulator, order: Order) -> None:
    assert approval_url(order.transaction_id) == approval_url(order.transaction_id)
    assert len(paypal.orders()) == 1
    assert PaymentAttempt.objects.count() == 1


def test_an_unanswered_opening_is_sent_again_as_the_same_request(
    paypal: Emulator, order: Order
) -> None:
    paypal.fault("create", "truncated")
    with pytest.raises(Unanswered):
        approval_url(order.transaction_id)
    approval_url(order.transaction_id)
    sent = [r for r in paypal.requests() if r["path"] == "/v2/checkout/orders"]
    assert len({r["headers"]["Paypal-Request-Id"] for r in sent}) == 1
    assert len(sent) == 2
    assert len(paypal.orders()) == 1


def test_a_refused_opening_closes_the_attempt_and_the_next_has_another_invoice(
    paypal: Emulator, order: Order
) -> None:
    paypal.fault("create", "issue", issue="DUPLICATE_INVOICE_ID")
    with pytest.raises(Refused):
        approval_url(order.transaction_id)
    open_at_paypal(order)
    assert list(PaymentAttempt.objects.values_list("status", "issue")) == [
        ("CLOSED", "DUPLICATE_INVOICE_ID"),
        ("OPEN", ""),
    ]
    (unit,) = paypal.orders()[0]["purchase_units"]
    assert unit["invoice_id"] == f"{order.number}-2"


def test_an_ended_order_cannot_be_paid(paypal: Emulator, order: Order) -> None:
    cancel_by_customer(order_id=order.pk)
    with pytest.raises(NothingToPay):
        approval_url(order.transaction_id)
    assert paypal.orders() == []


def test_an_order_whose_time_is_over_cannot_be_paid(paypal: Emulator, order: Order) -> None:
    Order.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(NothingToPay):
        approval_url(order.transaction_id)


def test_a_paid_order_cannot_be_paid_again(paypal: Emulator, order: Order) -> None:
    settle(approve(order).pk, by="return")
    with pytest.raises(NothingToPay):
        approval_url(order.transaction_id)


def test_start_leads_to_paypal(paypal: Emulator, order: Order, client: Client) -> None:
    response = client.get(reverse("payment-start", args=[order.transaction_id]))
    assert response.status_code == 303
    assert response["Location"] == PaymentAttempt.objects.get().approve_url


def test_start_leads_to_the_order_when_paypal_is_away(
    paypal: Emulator, order: Order, client: Client
) -> None:
    paypal.fault("create", "http_503")
    response = client.post(reverse("payment-start", args=[order.transaction_id]))
    assert (response.status_code, response["Location"]) == (303, order.get_absolute_url())


def test_paypal_is_told_what_the_order_says(paypal: Emulator) -> None:
    tea = VariantFactory.create()
    order = placed_order((tea, 2), locale="vi")
    open_at_paypal(order)
    (unit,) = paypal.orders()[0]["purchase_units"]
    assert unit["custom_id"] == str(order.transaction_id)
    assert unit["invoice_id"] == order.number
    assert unit["amount"]["value"] == "29.00"
    assert [(item["name"], item["quantity"]) for item in unit["items"]] == [
        ("Trà sen · 100 gam", "2")
    ]
