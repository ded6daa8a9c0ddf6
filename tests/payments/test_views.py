"""The payment's addresses as a browser meets them."""

import uuid

import pytest
from django.test import Client
from django.urls import reverse

from devtools.paypal.client import Emulator
from orders.models import Order
from payments.endings import cancel_by_customer
from payments.models import PaymentAttempt
from tests.factories import placed_order
from tests.paying import approve, captures_sent, choose, open_at_paypal, standing

pytestmark = pytest.mark.django_db

RETURN = "/payments/paypal/return/"
CANCEL = "/payments/paypal/cancel/"


@pytest.fixture
def order() -> Order:
    return placed_order()


def test_coming_back_settles_and_shows_the_order(
    paypal: Emulator, order: Order, client: Client
) -> None:
    response = client.get(RETURN, {"token": str(approve(order).paypal_order_id), "PayerID": "X"})
    assert (response.status_code, response["Location"]) == (303, order.get_absolute_url())
    assert standing(order) == ("SUCCESS", "SUCCESS", "")


def test_paypals_own_redirect_leads_back_to_the_shop(
    paypal: Emulator, order: Order, client: Client
) -> None:
    back = choose(open_at_paypal(order), "pay").headers["Location"]
    assert client.get(back).status_code == 303
    assert standing(order) == ("SUCCESS", "SUCCESS", "")


def test_coming_back_again_changes_nothing(paypal: Emulator, order: Order, client: Client) -> None:
    token = str(approve(order).paypal_order_id)
    for _ in range(3):
        assert client.get(RETURN, {"token": token}).status_code == 303
    assert len(captures_sent(paypal)) == 1


@pytest.mark.parametrize("kind", ["http_500", "truncated", "reset", "html_502", "rate_limit"])
@pytest.mark.parametrize("route", ["get", "capture"])
def test_coming_back_while_paypal_is_away_is_calm(
    paypal: Emulator, order: Order, client: Client, route: str, kind: str
) -> None:
    token = str(approve(order).paypal_order_id)
    paypal.fault(route, kind)
    response = client.get(RETURN, {"token": token})
    assert (response.status_code, response["Location"]) == (303, order.get_absolute_url())
    assert standing(order)[0] == "PENDING"


@pytest.mark.parametrize("address", [RETURN, CANCEL])
@pytest.mark.parametrize(
    "query",
    ["", "?token=", "?token=5O190127TN364715T", "?token=%00", "?token=" + "A" * 10_000,
     "?token=A&token=B", "?token=../../x", "?token=%E2%82%AC"],
    ids=["none", "empty", "made-up", "nul", "long", "twice", "path", "foreign"],
)  # fmt: skip
def test_made_up_reference_is_not_found(client: Client, address: str, query: str) -> None:
    assert client.get(address + query).status_code == 404


def test_cancelling_at_paypal_charges_nothing_and_ends_nothing(
    paypal: Emulator, order: Order, client: Client
) -> None:
    back = choose(open_at_paypal(order), "cancel").headers["Location"]
    response = client.get(back)
    assert (response.status_code, response["Location"]) == (303, order.get_absolute_url())
    assert standing(order) == ("PENDING", "PENDING", "")


def test_cancelling_in_a_second_tab_says_nothing_false_of_a_paid_order(
    paypal: Emulator, order: Order, client: Client
) -> None:
    token = str(approve(order).paypal_order_id)
    client.get(RETURN, {"token": token})
    page = client.get(CANCEL, {"token": token}, follow=True).content.decode()
    assert "Your order is paid" in page
    assert "Nothing was charged" not in page


def test_coming_back_to_a_closed_attempt_asks_paypal_nothing(
    paypal: Emulator, order: Order, client: Client
) -> None:
    """So that reloading one address cannot take PayPal's few places from others."""
    token = str(approve(order).paypal_order_id)
    client.get(RETURN, {"token": token})
    asked = len(paypal.requests())
    for _ in range(3):
        assert client.get(RETURN, {"token": token}).status_code == 303
    assert len(paypal.requests()) == asked


def test_start_of_an_ended_order_leads_to_its_page(
    paypal: Emulator, order: Order, client: Client
) -> None:
    cancel_by_customer(order_id=order.pk)
    response = client.get(reverse("payment-start", args=[order.transaction_id]))
    assert (response.status_code, response["Location"]) == (303, order.get_absolute_url())
    assert not PaymentAttempt.objects.exists()


def test_start_of_a_payment_approved_already_leads_to_its_settling(
    paypal: Emulator, order: Order, client: Client
) -> None:
    approve(order, "leave")
    PaymentAttempt.objects.update(approve_url="")  # adopted: its page has nothing left to ask
    start = client.get(reverse("payment-start", args=[order.transaction_id]))
    client.get(start["Location"])
    assert standing(order) == ("SUCCESS", "SUCCESS", "")


def test_start_of_an_unknown_payment_is_not_found(client: Client) -> None:
    assert client.get(reverse("payment-start", args=[uuid.uuid4()])).status_code == 404


@pytest.mark.parametrize("address", [RETURN, CANCEL])
def test_only_reading_is_allowed(client: Client, address: str) -> None:
    assert client.post(address).status_code == 405
