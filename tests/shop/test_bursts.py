"""Searching and ordering too fast: refused with a clear answer, for that network alone."""

from collections.abc import Generator

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from orders.models import Order
from shop.bursts import CHECKOUTS, SEARCHES, Burst
from tests.factories import DeliveryMethodFactory, VariantFactory
from tests.shop.pages import filled_form, form_of, parsed, put_in_cart, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now(settings: Settings) -> Generator[time_machine.Traveller]:
    """Switch the limits on and stop the time."""
    settings.RATE_LIMITS = True
    with time_machine.travel("2026-11-25T12:00:00Z", tick=False) as now:
        yield now
    SEARCHES.forget()
    CHECKOUTS.forget()


def _use_up(burst: Burst, client: Client, method: str, path: str) -> None:
    for _ in range(burst.most):
        assert getattr(client, method)(path, {"q": "tea"}).status_code != 429


def test_search_beyond_the_limit_says_when_to_try_again(client: Client) -> None:
    _use_up(SEARCHES, client, "get", "/products/")
    answer = client.get("/products/", {"q": "green tea"})
    assert answer.status_code == 429
    assert "Try again in 1 second." in text_of(answer)
    assert int(answer["Retry-After"]) == 1
    kept = [i.get("value") for i in parsed(answer).iter("input") if i.get("type") == "hidden"]
    assert "green tea" in kept


def test_looking_around_and_other_networks_are_not_limited(client: Client) -> None:
    _use_up(SEARCHES, client, "get", "/products/")
    assert client.get("/products/").status_code == 200
    neighbour = Client(REMOTE_ADDR="192.0.2.7")
    assert neighbour.get("/products/", {"q": "tea"}).status_code == 200


def test_ordering_beyond_the_limit_keeps_the_form_and_orders_nothing(client: Client) -> None:
    put_in_cart(client, VariantFactory.create())
    DeliveryMethodFactory.create()
    form = form_of(client)
    _use_up(CHECKOUTS, Client(), "post", "/checkout/")  # a neighbour's, without a cart
    answer = client.post("/checkout/", form)
    assert answer.status_code == 429
    assert filled_form(answer, "/checkout/")["city"] == form["city"]
    assert not Order.objects.exists()


def test_limit_is_lifted_as_time_goes_by(client: Client, now: time_machine.Traveller) -> None:
    _use_up(SEARCHES, client, "get", "/products/")
    assert client.get("/products/", {"q": "tea"}).status_code == 429
    now.shift(1.5)
    assert client.get("/products/", {"q": "tea"}).status_code == 200


def test_limits_can_be_switched_off(client: Client, settings: Settings) -> None:
    settings.RATE_LIMITS = False
    for _ in range(SEARCHES.most + 1):
        assert client.get("/products/", {"q": "tea"}).status_code == 200
