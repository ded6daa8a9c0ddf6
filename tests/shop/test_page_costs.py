"""What a page asks of the database: at most eight queries, however much it shows."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from shop.cart import MAX_LINES
from shop.models import Category, ShopPage, Variant
from shop.views.orders import ORDERS_PER_PAGE
from tests.factories import (
    CategoryFactory,
    DeliveryMethodFactory,
    ProductFactory,
    VariantFactory,
    contact,
    placed_order,
)
from tests.shop.flows import attempt_at, captured
from tests.shop.pages import put_in_cart

pytestmark = pytest.mark.django_db

_MOST = 8


@pytest.fixture
def shelf() -> Category:
    """Return a full shelf: 30 featured products in three variants each."""
    shelf = CategoryFactory.create(slug="tea")
    for product in ProductFactory.create_batch(30, category=shelf, is_featured=True):
        VariantFactory.create_batch(3, product=product)
    CategoryFactory.create_batch(20)
    ShopPage.objects.create(slug="terms", title_en="Terms", body_en="Be kind.")
    return shelf


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/products/",
        "/products/?page=2",
        "/products/?category=tea&sort=-price",
        "/pages/terms/",
        "/accounts/login/",
        "/accounts/signup/",
        "/accounts/password/reset/",
    ],
)
def test_window_asks_little_however_full_the_shelf(
    client: Client,
    shelf: Category,
    address: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_max_num_queries(4):
        assert client.get(address).status_code == 200


def test_product_with_many_neighbours_asks_four_times(
    client: Client, shelf: Category, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    product = shelf.products.get(variants=Variant.objects.all()[0])
    with django_assert_num_queries(4):
        assert client.get(product.get_absolute_url()).status_code == 200


def test_adding_to_the_cart_asks_twice(
    client: Client, shelf: Category, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    variant = Variant.objects.all()[0]
    with django_assert_num_queries(2):
        assert put_in_cart(client, variant).status_code == 303


@pytest.mark.parametrize("address", ["/cart/", "/checkout/"])
def test_full_cart_asks_little(
    client: Client, address: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        DeliveryMethodFactory.create(slug=f"way-{number}")
    for variant in VariantFactory.create_batch(MAX_LINES):
        put_in_cart(client, variant)
    with django_assert_max_num_queries(3):
        assert client.get(address).status_code == 200


def test_order_of_many_lines_asks_little(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    order = placed_order(*VariantFactory.create_batch(MAX_LINES))
    captured(attempt_at(order), order.total)
    for page in (order.get_absolute_url(), f"/cart/reorder/{order.number}/{order.token}/"):
        with django_assert_max_num_queries(_MOST):
            assert client.get(page).status_code == 200


def test_history_of_many_orders_asks_little(
    client: Client, django_user_model: Any, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    lan = django_user_model.objects.create_user("lan", "lan@example.com", "secret")
    variant = VariantFactory.create(stock=100)
    for number in range(ORDERS_PER_PAGE + 5):
        whose = contact(email=f"lan{number}@example.com")
        placed_order(variant, contact=whose, user_id=lan.pk, network_address=None)
    client.force_login(lan, backend="django.contrib.auth.backends.ModelBackend")
    with django_assert_max_num_queries(_MOST):
        assert client.get("/orders/").status_code == 200
