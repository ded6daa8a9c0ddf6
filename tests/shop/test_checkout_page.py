"""Placing an order from the checkout page, through the intake's own threads."""

import uuid
from decimal import Decimal

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from orders.models import Order
from shop import intake
from shop.models import DeliveryMethod, Variant
from tests.factories import DeliveryMethodFactory
from tests.shop.pages import ADDRESS, filled_form, form_of, put_in_cart, summary

# The intake's threads have connections of their own: they see only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)


def test_filled_form_places_the_order_and_leads_to_its_payment(
    client: Client, tea: Variant
) -> None:
    response = client.post("/checkout/", form_of(client))
    order = Order.objects.get()
    assert response.status_code == 303
    assert response["Location"] == f"/payments/{order.transaction_id}/start/"
    assert (order.total, order.full_name, order.locale) == (Decimal("16.50"), "Lan Nguyễn", "en")


def test_pressed_twice_it_makes_one_order(client: Client, tea: Variant) -> None:
    form = form_of(client)
    first, second = client.post("/checkout/", form), client.post("/checkout/", form)
    assert first["Location"] == second["Location"]
    assert Order.objects.count() == 1


def test_key_and_address_alone_take_the_cheapest_delivery(client: Client, tea: Variant) -> None:
    DeliveryMethodFactory.create(slug="express", price=Decimal(20))
    response = client.post("/checkout/", {"checkout_key": str(uuid.uuid4()), **ADDRESS})
    assert response.status_code == 303
    assert Order.objects.get().delivery_price == Decimal("4.00")


def test_delivery_chosen_without_a_script_costs_what_was_listed(
    client: Client, tea: Variant
) -> None:
    DeliveryMethodFactory.create(slug="express", price=Decimal(20))
    assert client.post("/checkout/", form_of(client, delivery=["express"])).status_code == 303
    assert Order.objects.get().total == Decimal("32.50")


def test_new_price_is_asked_not_charged(client: Client, tea: Variant) -> None:
    form = form_of(client)
    Variant.objects.update(price=Decimal("14.00"))
    response = client.post("/checkout/", form)
    assert response.status_code == 409
    assert "The total is $18.00 now" in summary(response)
    again = filled_form(response, "/checkout/")
    assert client.post("/checkout/", again).status_code == 303
    assert Order.objects.get().total == Decimal("18.00")


def test_short_line_is_named_and_what_is_left_can_be_taken(client: Client, tea: Variant) -> None:
    client.post("/cart/update/", {"sku": tea.sku, "quantity": "8"})
    form = form_of(client)
    other = Client()
    put_in_cart(other, tea, 7)
    other.post("/checkout/", form_of(other))
    response = client.post("/checkout/", form)
    assert response.status_code == 409
    assert "you asked for 8, 3 left" in summary(response)
    again = filled_form(client.post("/checkout/", {**form, "adjust": "1"}), "/checkout/")
    assert again["email"] == ADDRESS["email"]
    assert client.post("/checkout/", again).status_code == 303


def test_shop_without_any_delivery_says_so(client: Client, tea: Variant) -> None:
    DeliveryMethod.objects.all().delete()
    response = client.post("/checkout/", form_of(client))
    assert response.status_code == 422
    assert "Choose a way of delivery" in summary(response)


def test_delivery_that_does_not_go_there_is_said(client: Client, tea: Variant) -> None:
    DeliveryMethodFactory.create(slug="home", price=Decimal(1), countries=["VN"])
    response = client.post("/checkout/", form_of(client, country=["FR"], delivery=["home"]))
    assert response.status_code == 422
    assert "goes to this country" in summary(response)


def test_another_visitors_key_is_not_found(client: Client, tea: Variant) -> None:
    form = form_of(client)
    client.post("/checkout/", form)
    other = Client()
    put_in_cart(other, tea)
    key = form["checkout_key"]
    assert other.post("/checkout/", form_of(other, checkout_key=key)).status_code == 404
    assert other.get(f"/checkout/{key[0]}/").status_code == 404


def test_overload_is_answered_without_a_query_and_keeps_the_form(
    client: Client,
    tea: Variant,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    form = form_of(client)
    full = intake.Intake(workers=1, queue=0)
    full._places.acquire()
    monkeypatch.setattr(intake, "_intake", full)
    with django_assert_num_queries(0):
        response = client.post("/checkout/", form)
    assert response.status_code == 503
    assert int(response["Retry-After"]) >= 1
    kept = filled_form(response, "/checkout/")
    assert {name: kept[name] for name in form if name in kept} | {"csrfmiddlewaretoken": []} == {
        **form,
        "csrfmiddlewaretoken": [],
    }


def test_status_page_leads_its_owner_to_the_payment(client: Client, tea: Variant) -> None:
    form = form_of(client)
    start = client.post("/checkout/", form)["Location"]
    address = f"/checkout/{form['checkout_key'][0]}/"
    assert client.get(address)["Location"] == start
    state = client.get(address, {"format": "json"}).json()
    assert (state["state"], state["pay_url"].endswith(start)) == ("ready", True)
    assert client.get(f"/checkout/{uuid.uuid4()}/").status_code == 404
