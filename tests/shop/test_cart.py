"""The cart: its cookie, its quantities, and what it says when something is wrong."""

import uuid
from decimal import Decimal

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client, RequestFactory

from shop.cart import MAX_LINES, Cart, CartFull
from tests.factories import VariantFactory
from tests.shop.pages import put_in_cart, text_of


def reread(cart: Cart) -> Cart:
    """Send a cart to a browser and back."""
    response = HttpResponse()
    cart.save_to(response)
    request = RequestFactory().get("/")
    request.COOKIES[settings.CART_COOKIE_NAME] = response.cookies[settings.CART_COOKIE_NAME].value
    return Cart.from_request(request)


def test_cart_survives_its_cookie() -> None:
    cart = Cart()
    cart.put("TEA-1", 3, Decimal("12.50"))
    again = reread(cart)
    assert (again.id, again.quantities, len(again)) == (cart.id, (("TEA-1", 3),), 3)
    assert again.items["TEA-1"].shown_price == Decimal("12.50")


@pytest.mark.parametrize("cookie", ["", "x", "a:b:c", "eyJ9:1:abc", "\0", "é" * 5000])
def test_broken_or_forged_cookie_is_an_empty_cart(cookie: str) -> None:
    request = RequestFactory().get("/")
    request.COOKIES[settings.CART_COOKIE_NAME] = cookie
    assert len(Cart.from_request(request)) == 0


def test_fullest_cart_fits_a_cookie() -> None:
    cart = Cart(previous=(uuid.uuid4(), uuid.uuid4(), uuid.uuid4()))
    for _ in range(MAX_LINES):
        cart.put(uuid.uuid4().hex.upper(), 10, Decimal("12345678.90"))
    response = HttpResponse()
    cart.save_to(response)
    assert len(response.cookies[settings.CART_COOKIE_NAME].OutputString()) < 4096
    with pytest.raises(CartFull):
        cart.put("ONE-MORE", 1, Decimal(1))


def test_new_cart_still_owns_what_the_last_three_ordered() -> None:
    cart = Cart()
    ids = [cart.id]
    for _ in range(4):
        cart.start_anew()
        ids.append(cart.id)
    again = reread(cart)
    assert [again.owns(one) for one in ids] == [False, True, True, True, True]


@pytest.mark.django_db
def test_adding_twice_adds_up_and_says_so(client: Client) -> None:
    variant = VariantFactory.create()
    put_in_cart(client, variant, 2)
    response = put_in_cart(client, variant, 3)
    assert (response.status_code, response.url) == (303, variant.product.get_absolute_url())
    assert "In your cart: Lotus tea · 100 g" in client.get(response.url).content.decode()
    assert '<span class="count">5' in client.get("/cart/").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "typed", ["", "0", "-1", "two", "1.5", "１０", "1e3", "1" * 21, "\0", "9" * 10_000]
)
def test_bad_quantity_is_named_and_kept(client: Client, typed: str) -> None:
    variant = VariantFactory.create(stock=50)
    response = client.post("/cart/add/", {"sku": variant.sku, "quantity": typed})
    assert response.status_code == 422
    assert 'id="quantity_error"' in response.content.decode()
    if typed.isprintable():
        assert f'value="{typed[:40]}"' in response.content.decode()


@pytest.mark.django_db
def test_more_than_is_left_answers_409_with_the_number_left(client: Client) -> None:
    variant = VariantFactory.create(stock=3)
    put_in_cart(client, variant, 2)
    response = put_in_cart(client, variant, 2)
    assert response.status_code == 409
    assert "Only 3 are left. 2 in your cart already." in text_of(response)


@pytest.mark.django_db
@pytest.mark.parametrize("sku", ["", "NO-SUCH", "\0", "x" * 10_000])
def test_unknown_sku_is_not_found(client: Client, sku: str) -> None:
    for address in ("/cart/add/", "/cart/update/"):
        assert client.post(address, {"sku": sku, "quantity": "1"}).status_code == 404


@pytest.mark.django_db
def test_updating_sets_and_zero_removes(client: Client) -> None:
    variant = VariantFactory.create()
    put_in_cart(client, variant, 2)
    client.post("/cart/update/", {"sku": variant.sku, "quantity": "4"})
    assert "$50.00" in text_of(client.get("/cart/"))
    response = client.post("/cart/update/", {"sku": variant.sku, "quantity": "0"})
    assert response.status_code == 303
    assert "Your cart is empty." in text_of(client.get("/cart/"))


@pytest.mark.django_db
def test_updating_beyond_the_stock_offers_the_number_left(client: Client) -> None:
    variant = VariantFactory.create(stock=3)
    put_in_cart(client, variant)
    response = client.post("/cart/update/", {"sku": variant.sku, "quantity": "7"})
    assert response.status_code == 409
    assert "Only 3 are left." in text_of(response)
    assert "Take 3" in text_of(response)


@pytest.mark.django_db
def test_withdrawn_line_is_named_and_can_be_removed(client: Client) -> None:
    variant = VariantFactory.create()
    put_in_cart(client, variant)
    variant.product.is_published = False
    variant.product.save()
    assert "This is no longer sold." in text_of(client.get("/cart/"))
    assert client.get("/checkout/").status_code == 303
    client.post("/cart/update/", {"sku": variant.sku, "quantity": "0"})
    assert "Your cart is empty." in text_of(client.get("/cart/"))


@pytest.mark.django_db
def test_new_price_is_said_once(client: Client) -> None:
    variant = VariantFactory.create(price=Decimal("12.50"))
    put_in_cart(client, variant)
    variant.price = Decimal("14.00")
    variant.save()
    assert "it was $12.50, it is $14.00 now" in text_of(client.get("/cart/"))
    assert "it was" not in text_of(client.get("/cart/"))
