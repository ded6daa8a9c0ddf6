"""The shop window: listing, search, product pages."""

from decimal import Decimal

import pytest
from django.test import Client

from shop.models import ShopPage
from tests.factories import CategoryFactory, VariantFactory
from tests.shop.pages import parsed, text_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("page", "shown"), [("x", "Page 1"), ("-3", "Page 2"), ("99", "Page 2")])
def test_any_page_number_leads_to_a_page(client: Client, page: str, shown: str) -> None:
    VariantFactory.create_batch(25)
    assert shown in text_of(client.get("/products/", {"page": page}))


@pytest.mark.parametrize("bad", ["no-such", "\0", "x" * 10_000])
def test_unknown_category_is_not_found(client: Client, bad: str) -> None:
    assert client.get("/products/", {"category": bad}).status_code == 404


def test_sorting_by_price_uses_the_lowest_of_each(client: Client) -> None:
    dear = VariantFactory.create(price=Decimal(9), product__name_en="Dear").product
    VariantFactory.create(price=Decimal(40), product=dear)
    VariantFactory.create(price=Decimal(5), product__name_en="Cheap")
    text = text_of(client.get("/products/", {"sort": "price"}))
    assert text.index("Cheap") < text.index("Dear")
    assert "from $9.00" in text


def test_category_shows_its_own_things_only(client: Client) -> None:
    shelf = CategoryFactory.create(slug="silk", name_en="Silk")
    VariantFactory.create(product__category=shelf, product__name_en="Scarf")
    VariantFactory.create(product__name_en="Kettle")
    text = text_of(client.get("/products/", {"category": "silk"}))
    assert "Scarf" in text
    assert "Kettle" not in text


def test_what_is_left_is_said_where_it_is_little(client: Client) -> None:
    VariantFactory.create(stock=3, product__name_en="Lantern")
    VariantFactory.create(stock=0, product__name_en="Teapot")
    text = text_of(client.get("/products/"))
    assert "3 left Lantern" in text
    assert "Sold out Teapot" in text


def test_product_preselects_what_can_be_had(client: Client) -> None:
    sold_out = VariantFactory.create(stock=0)
    there = VariantFactory.create(product=sold_out.product, stock=4)
    page = parsed(client.get(sold_out.product.get_absolute_url()))
    checked = [i.get("value") for i in page.iter("input") if i.get("checked") is not None]
    assert checked == [there.sku]


def test_unpublished_product_is_not_found(client: Client) -> None:
    variant = VariantFactory.create(product__is_published=False)
    assert client.get(variant.product.get_absolute_url()).status_code == 404


def test_mistyped_picture_shows_an_empty_frame(client: Client) -> None:
    variant = VariantFactory.create(product__picture="")
    html = client.get(variant.product.get_absolute_url()).content.decode()
    assert "shop/no-picture" in html


def test_staffs_own_pages_are_shown_as_paragraphs(client: Client) -> None:
    ShopPage.objects.create(slug="terms", title_en="Terms", body_en="One.\n\n<b>Two</b>.")
    html = client.get("/pages/terms/").content.decode()
    assert "<p>One.</p>" in html
    assert "&lt;b&gt;Two" in html
