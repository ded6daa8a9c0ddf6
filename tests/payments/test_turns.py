"""One customer's repeated "Pay now" and returns: PayPal is asked once, and the pages stay calm."""

from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from devtools.paypal.client import Emulator
from orders.models import Order
from payments import duties, opening, returning, turns
from payments.gateway import InProgress
from payments.models import GatewayCall, PaymentAttempt
from payments.turns import AskedJustNow, Turns
from tests.factories import placed_order
from tests.paying import approve, choose, let_all_be_due, open_at_paypal, standing
from tests.shop.pages import text_of
from tests.together import together

RETURN = "/payments/paypal/return/"


@pytest.fixture(autouse=True)
def _on(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit, from a fresh start, and believe PayPal for as long as a test may take."""
    settings.RATE_LIMITS = True
    monkeypatch.setattr(turns, "BELIEVED_SECONDS", 600.0)
    monkeypatch.setattr(opening, "_turns", Turns())
    monkeypatch.setattr(returning, "_turns", Turns())


@pytest.fixture
def order() -> Order:
    return placed_order()


def start(order: Order, client: Client | None = None) -> Any:
    return (client or Client()).get(reverse("payment-start", args=[order.transaction_id]))


def come_back(attempt: PaymentAttempt, client: Client | None = None) -> Any:
    return (client or Client()).get(RETURN, {"token": str(attempt.paypal_order_id)}, follow=True)


def asked(operation: str) -> int:
    return GatewayCall.objects.filter(operation=operation).count()


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["http_503", "issue"])
def test_pay_now_again_and_again_while_paypal_does_not_open_is_one_call(
    paypal: Emulator, order: Order, client: Client, kind: str
) -> None:
    paypal.fault("create", kind, count=9, issue="INVALID" if kind == "issue" else "")
    for _ in range(9):
        response = start(order, client)
        assert (response.status_code, response["Location"]) == (303, order.get_absolute_url())
    assert asked("create_order") == 1
    assert PaymentAttempt.objects.count() <= 2
    page = client.get(order.get_absolute_url())
    assert "PayPal was asked a moment ago. Nothing was charged" in page.text


@pytest.mark.django_db
def test_another_order_has_a_turn_of_its_own(paypal: Emulator, order: Order) -> None:
    other = placed_order()
    paypal.fault("create", "http_503")
    start(order)
    assert start(other)["Location"] == PaymentAttempt.objects.get(payment__order=other).approve_url


@pytest.mark.django_db
def test_pay_now_works_again_once_the_moment_is_over(
    paypal: Emulator, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "BELIEVED_SECONDS", 0.0)
    paypal.fault("create", "http_503")
    start(order)
    assert start(order)["Location"] == PaymentAttempt.objects.get().approve_url


@pytest.mark.django_db
def test_returns_again_and_again_without_approval_are_one_call(
    paypal: Emulator, order: Order
) -> None:
    attempt = open_at_paypal(order)
    assert {come_back(attempt).status_code for _ in range(9)} == {200}
    assert asked("get_order") == 1
    assert standing(order) == ("PENDING", "PENDING", "")


@pytest.mark.django_db
def test_an_approval_just_after_such_a_return_is_settled_by_the_clocks_next_tick(
    paypal: Emulator, order: Order
) -> None:
    attempt = open_at_paypal(order)
    come_back(attempt)
    choose(attempt, "leave")
    assert "Your payment is being confirmed" in text_of(come_back(attempt))
    assert duties.ask_paypal() == 1
    assert standing(order) == ("SUCCESS", "SUCCESS", "")


@pytest.mark.django_db
def test_the_clock_learns_that_nothing_was_approved_and_the_page_offers_to_pay_again(
    paypal: Emulator, order: Order
) -> None:
    attempt = open_at_paypal(order)
    come_back(attempt)
    assert "Your payment is being confirmed" in text_of(come_back(attempt))
    assert duties.ask_paypal() == 1
    page = text_of(Client().get(order.get_absolute_url()))
    assert "Your order is waiting for its payment" in page


@pytest.mark.django_db(transaction=True)
def test_eight_returns_at_once_take_one_of_paypals_places(
    paypal: Emulator, order: Order, settings: Settings
) -> None:
    settings.PAYPAL_CALLS = 8
    attempt = approve(order)
    paypal.fault("get", "latency", count=8, delay_ms=700)
    pages = together([partial(come_back, attempt)] * 8)
    assert [page.status_code for page in pages] == [200] * 8  # type: ignore[union-attr]
    assert asked("get_order") == 1
    let_all_be_due()
    duties.ask_paypal()
    assert standing(order) == ("SUCCESS", "SUCCESS", "")


@pytest.mark.django_db(transaction=True)
def test_pay_now_pressed_four_times_at_once_is_one_call_and_one_page_of_paypals(
    paypal: Emulator, order: Order
) -> None:
    paypal.fault("create", "latency", delay_ms=700)
    places = {response["Location"] for response in together([partial(start, order)] * 4)}  # type: ignore[index]
    assert places == {PaymentAttempt.objects.get().approve_url}
    assert asked("create_order") == 1


def test_a_turn_ends_however_its_call_did() -> None:
    one = Turns()
    with one.take(1), pytest.raises(InProgress):
        one.take(1).__enter__()
    with pytest.raises(ZeroDivisionError), one.take(2):
        raise ZeroDivisionError
    for payment_id in (1, 2):
        with pytest.raises(AskedJustNow):
            one.take(payment_id).__enter__()


def test_payments_asked_about_long_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "BELIEVED_SECONDS", 0.0)
    one = Turns()
    for payment_id in range(50):
        with one.take(payment_id):
            pass
    assert len(one._believed_until) == 1


def test_nobody_is_turned_away_where_limits_are_off(settings: Settings) -> None:
    settings.RATE_LIMITS = False
    one = Turns()
    with one.take(1), one.take(1):
        pass
