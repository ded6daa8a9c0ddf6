"""The page of a placement that waits, was refused, failed, or was turned away for want of room."""

import uuid
from collections.abc import Generator
from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from orders.models import Order
from payments.endings import cancel_by_customer
from shop import intake, promises
from shop.cart import Cart
from shop.checkout import place_order
from shop.failures import record_failure
from shop.intake import Intake
from shop.models import PlacementPromise, Variant
from shop.ownership import ownership
from shop.placement import Placement
from tests.factories import placement
from tests.shop.pages import Fields, form_of, parsed, summary, text_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _resign() -> Generator[None]:
    yield
    ownership.resign()


def cart_id(client: Client) -> uuid.UUID:
    request = client.get("/cart/").wsgi_request
    return Cart.from_request(request).id


def promised(client: Client, *items: Variant | tuple[Variant, int]) -> Placement:
    wish = placement(*items, cart_id=cart_id(client))
    promises.promise(wish)
    return wish


def page(client: Client, wish: Placement) -> str:
    return text_of(client.get(f"/checkout/{wish.checkout_key}/"))


def state(client: Client, wish: Placement) -> str:
    told = client.get(f"/checkout/{wish.checkout_key}/", {"format": "json"}).json()
    return str(told["state"])


def test_waiting(client: Client, tea: Variant) -> None:
    first, second = promised(client, tea), promised(client, tea)
    assert "It is next." in page(client, first)
    assert "1 order is before yours." in page(client, second)
    assert state(client, first) == "waiting"


def test_waiting_page_goes_on_without_a_script(client: Client, tea: Variant) -> None:
    wish = promised(client, tea)
    found = parsed(client.get(f"/checkout/{wish.checkout_key}/"))
    assert found.find(".//noscript") is not None


def test_kept_it_leads_to_the_payment(client: Client, tea: Variant) -> None:
    wish = promised(client, tea)
    promises.keep(wish)
    order = Order.objects.get()
    response = client.get(f"/checkout/{wish.checkout_key}/")
    assert response["Location"] == f"/payments/{order.transaction_id}/start/"
    assert state(client, wish) == "ready"


def test_refused(client: Client, tea: Variant) -> None:
    wish = promised(client, (tea, 11))
    promises.keep(wish)
    assert "others bought what is missing now" in page(client, wish)
    assert state(client, wish) == "failed"


def test_failed(client: Client, tea: Variant) -> None:
    wish = promised(client, tea)
    record_failure(wish, ZeroDivisionError())
    assert "The fault is ours" in page(client, wish)
    assert state(client, wish) == "failed"


@pytest.mark.parametrize("status", ["WAITING", "REFUSED"])
def test_of_another_visitor_it_is_unknown(client: Client, tea: Variant, status: str) -> None:
    wish = promised(client, tea)
    PlacementPromise.objects.update(status=status)
    assert Client().get(f"/checkout/{wish.checkout_key}/").status_code == 404


def test_signed_in_it_is_found_from_another_device(client: Client, tea: Variant) -> None:
    user = User.objects.create_user("lan")
    wish = placement(tea, user_id=user.pk)
    promises.promise(wish)
    client.force_login(user)
    assert state(client, wish) == "waiting"


def test_new_wish_under_the_key_of_an_order_waits(client: Client, tea: Variant) -> None:
    wish = placement(tea, cart_id=cart_id(client))
    place_order(wish)
    changed = replace(wish, items=((tea.sku, 2),))
    promises.promise(changed)
    assert state(client, changed) == "waiting"
    promises.keep(changed)
    assert state(client, changed) == "ready"


def test_sent_again_after_its_order_ended_it_waits(client: Client, tea: Variant) -> None:
    wish = placement(tea, cart_id=cart_id(client))
    cancel_by_customer(order_id=place_order(wish).pk)
    promises.promise(wish)
    assert state(client, wish) == "waiting"


# --- Turned away, and tried again by itself


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Intake:
    full = Intake(workers=1, queue=0)
    full._places.acquire()
    monkeypatch.setattr(intake, "_intake", full)
    return full


def turned_away(client: Client, tea: Variant) -> Fields:
    form = form_of(client)
    assert client.post("/checkout/", form).status_code == 503
    return form


def test_full_page_tries_again_by_itself(client: Client, tea: Variant, full: Intake) -> None:
    form = turned_away(client, tea)
    address = f"/checkout/{form['checkout_key'][0]}/"
    again = client.get(address)
    assert again.status_code == 503
    assert f"url={address}" in again.text
    full._places.release()
    assert client.get(address).status_code == 303
    assert Order.objects.get().full_name == "Lan Nguyễn"


def test_tried_again_twice_it_makes_one_order(client: Client, tea: Variant, full: Intake) -> None:
    form = turned_away(client, tea)
    full._places.release()
    first, second = (client.get(f"/checkout/{form['checkout_key'][0]}/") for _ in range(2))
    assert first["Location"] == second["Location"]
    assert Order.objects.count() == 1


def test_nobody_else_can_try_it(client: Client, tea: Variant, full: Intake) -> None:
    form = turned_away(client, tea)
    full._places.release()
    assert Client().get(f"/checkout/{form['checkout_key'][0]}/").status_code == 404
    assert not Order.objects.exists()


def test_form_is_not_even_read_where_there_is_no_room(
    client: Client, tea: Variant, full: Intake
) -> None:
    form = form_of(client, email=["lan@"])
    assert client.post("/checkout/", form).status_code == 503
    full._places.release()
    again = client.get(f"/checkout/{form['checkout_key'][0]}/")
    assert again.status_code == 422
    assert "Enter an email address such as name@example.com." in summary(again)


def test_forged_form_is_none(client: Client, tea: Variant, full: Intake) -> None:
    form = turned_away(client, tea)
    client.cookies["form"] = client.cookies["form"].value + "x"
    assert client.get(f"/checkout/{form['checkout_key'][0]}/").status_code == 404


def test_refusal_of_who_is_signed_in_costs_no_query_either(
    client: Client, tea: Variant, full: Intake, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(User.objects.create_user("lan"))
    form = form_of(client)
    with django_assert_num_queries(0):
        assert client.post("/checkout/", form).status_code == 503


# --- Errors


def test_unexpected_error_keeps_the_form(
    client: Client, tea: Variant, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = form_of(client)

    def fail(_: Placement) -> Order:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(intake, "place_order", fail)
        response = client.post("/checkout/", form)
    assert response.status_code == 500
    assert "The fault is ours" in text_of(response)
    assert form["checkout_key"][0] in response.text
    assert client.post("/checkout/", form).status_code == 303
    assert Order.objects.count() == 1
