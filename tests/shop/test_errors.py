"""Pages for what goes wrong: in the shop's look, and without the database where it may be gone."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import QueryDict
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from shop.views import errors
from tests.shop.pages import parsed, text_of


@pytest.mark.django_db
def test_unknown_address_is_a_page_of_the_shop(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        response = client.get("/nothing/here/")
    assert response.status_code == 404
    assert "There is nothing at this address" in text_of(response)


@pytest.mark.django_db
def test_form_without_its_token_is_explained() -> None:
    response = Client(enforce_csrf_checks=True).post("/cart/add/", {"sku": "A", "quantity": "1"})
    assert response.status_code == 403
    assert "Please send that once more" in text_of(response)


def test_every_error_page_is_valid_and_asks_no_database() -> None:
    request = RequestFactory().get("/")
    pages = [
        errors.bad_request(request, ValueError()),
        errors.forbidden(request, PermissionDenied()),
        errors.server_error(request),
        errors.database_away(request),
        errors.overloaded(request, retry_after=3, form=QueryDict()),
        errors.placement_failed(request, form=QueryDict()),
        errors.too_many_orders(request, form=QueryDict()),
    ]
    assert [page.status_code for page in pages] == [400, 403, 500, 503, 503, 500, 429]
    for page in pages:
        parsed(page)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "address", ["/", "/products/", "/checkout/7b0e2c4e-3f6d-4c0a-9a52-0d6a4b1f9c11/"]
)
def test_lost_database_answers_503(
    client: Client, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nonexistent")
    connection.close()
    response = client.get(address)
    assert response.status_code == 503
    assert response["Retry-After"] == "10"
    assert "Your cart is kept." in text_of(response)


@pytest.mark.django_db
@pytest.mark.parametrize("next_page", ["https://evil.example/", "//evil.example", "/cart/"])
def test_language_switch_keeps_the_page_and_leaves_the_shop_never(
    client: Client, next_page: str
) -> None:
    response = client.post(reverse("set_language"), {"language": "vi", "next": next_page})
    assert response["Location"] == ("/cart/" if next_page == "/cart/" else "/")
    page = client.get("/cart/")
    assert parsed(page).get("lang") == "vi"
    assert "Giỏ hàng đang trống." in text_of(page)


@pytest.mark.django_db
def test_first_language_is_the_browsers(client: Client) -> None:
    page = client.get("/cart/", headers={"accept-language": "vi-VN,vi;q=0.9,en;q=0.5"})
    assert parsed(page).get("lang") == "vi"
