"""What search engines and shared links are told of the shop."""

import json
from typing import Any
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.test import Client

from shop.models import ShopPage
from tests.factories import ProductFactory, VariantFactory
from tests.shop.pages import filled_form, parsed

pytestmark = pytest.mark.django_db

_SITEMAP = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}


def _links(response: Any, rel: str) -> dict[str, str]:
    """Return the addresses of the head's links, by language."""
    links = [one for one in parsed(response).iter("link") if one.get("rel") == rel]
    return {one.get("hreflang", ""): one.get("href", "") for one in links}


def _data(response: Any) -> Any:
    """Return the page's linked data."""
    [script] = [
        one for one in parsed(response).iter("script") if one.get("type") == "application/ld+json"
    ]
    return json.loads(script.text or "")


def test_page_names_its_own_address_and_those_in_each_language(client: Client) -> None:
    path = VariantFactory.create().product.get_absolute_url()
    here = f"{settings.SHOP_URL}{path}"
    expected = {"en": f"{here}?lang=en", "vi": f"{here}?lang=vi", "x-default": here}
    for asked in ("", "?lang=vi"):
        answer = client.get(path + asked)
        assert _links(answer, "canonical") == {"": here + asked}
        assert _links(answer, "alternate") == expected


def test_list_is_one_page_however_it_is_sorted(client: Client) -> None:
    shelf = VariantFactory.create().product.category
    answer = client.get("/products/", {"category": shelf.slug, "sort": "price"})
    address = f"{settings.SHOP_URL}/products/?category={shelf.slug}"
    assert _links(answer, "canonical") == {"": address}
    assert _links(answer, "alternate")["vi"] == f"{address}&lang=vi"


@pytest.mark.parametrize("path", ["/products/?q=tea", "/accounts/login/"])
def test_search_and_private_pages_stay_out_of_search_engines(client: Client, path: str) -> None:
    answer = client.get(path)
    robots = [
        m.get("content", "") for m in parsed(answer).iter("meta") if m.get("name") == "robots"
    ]
    assert "noindex" in robots[0]
    assert _links(answer, "canonical") == {}


def test_address_may_ask_for_a_language_and_keeps_it_for_the_next_page(client: Client) -> None:
    assert parsed(client.get("/?lang=vi")).get("lang") == "vi"
    assert parsed(client.get("/products/")).get("lang") == "vi"


def test_chosen_language_outlives_an_address_that_asks_for_another(client: Client) -> None:
    client.post("/i18n/setlang/", {"language": "vi", "next": "/"})
    assert parsed(client.get("/?lang=en")).get("lang") == "en"
    assert parsed(client.get("/")).get("lang") == "vi"


def test_language_switch_leaves_the_asked_language_behind(client: Client) -> None:
    form = filled_form(client.get("/products/?page=1&lang=vi"), "/i18n/setlang/")
    assert form["next"] == ["/products/?page=1"]


@pytest.mark.parametrize("asked", ["xx", "", "vi\0", "en'", "vi-VN"])
def test_unknown_language_is_ignored(client: Client, asked: str) -> None:
    answer = client.get("/", {"lang": asked})
    assert parsed(answer).get("lang") == "en"
    assert settings.LANGUAGE_COOKIE_NAME not in client.cookies


def test_product_is_described_with_an_offer_for_each_variant(client: Client) -> None:
    variant = VariantFactory.create(price="12.50")
    VariantFactory.create(product=variant.product, price="20.00", stock=0)
    product, crumbs = _data(client.get(variant.product.get_absolute_url()))
    assert (product["@type"], product["name"]) == ("Product", "Lotus tea")
    offers = [
        (one["price"], one["priceCurrency"], one["availability"]) for one in product["offers"]
    ]
    assert offers == [
        ("12.50", "USD", "https://schema.org/InStock"),
        ("20.00", "USD", "https://schema.org/OutOfStock"),
    ]
    assert product["image"].endswith(".png")
    names = [one["name"] for one in crumbs["itemListElement"]]
    assert (crumbs["@type"], names) == ("BreadcrumbList", ["All things", "Tea", "Lotus tea"])


def test_product_is_described_in_the_pages_language(client: Client) -> None:
    path = VariantFactory.create().product.get_absolute_url()
    assert _data(client.get(path + "?lang=vi"))[0]["name"] == "Trà sen"


def test_no_name_ends_the_data_it_stands_in(client: Client) -> None:
    name = "</script><script>alert(1)</script><!-- &amp;"
    product = ProductFactory.create(name_en=name)
    VariantFactory.create(product=product)
    answer = client.get(product.get_absolute_url())
    assert _data(answer)[0]["name"] == name
    assert "<script>alert" not in answer.content.decode()


def test_shared_link_shows_a_png(client: Client) -> None:
    product = ProductFactory.create(picture="shop/products/phin-filter.svg")
    VariantFactory.create(product=product)
    pages = {"/": "/cards/shop.png", product.get_absolute_url(): "/cards/phin-filter.png"}
    for path, card in pages.items():
        metas = {
            m.get("property"): m.get("content", "") for m in parsed(client.get(path)).iter("meta")
        }
        assert metas["og:image"].endswith(card)
        assert metas["og:url"] == f"{settings.SHOP_URL}{path}"
        assert metas["og:title"]


def test_sitemap_lists_what_is_for_all_in_every_language(client: Client) -> None:
    shown = VariantFactory.create().product
    hidden = VariantFactory.create(product__is_published=False).product
    ShopPage.objects.create(slug="terms", title_en="Terms", body_en="Be kind.")
    index = ElementTree.fromstring(client.get("/sitemap.xml").content)
    [part] = [one.text or "" for one in index.iterfind(".//s:loc", _SITEMAP)]
    answer = client.get(part.removeprefix(settings.SHOP_URL))
    listed = [
        one.text for one in ElementTree.fromstring(answer.content).iterfind(".//s:loc", _SITEMAP)
    ]
    paths = ["/", "/products/", "/pages/terms/", shown.get_absolute_url()]
    assert {f"{settings.SHOP_URL}{path}" for path in paths} <= set(listed)
    assert f"{settings.SHOP_URL}{shown.get_absolute_url()}?lang=vi" in listed
    assert not any(hidden.slug in (one or "") for one in listed)
    assert client.get("/sitemap-2.xml").status_code == 404


def test_robots_are_kept_from_what_is_a_shoppers_own(client: Client) -> None:
    text = client.get("/robots.txt").content.decode()
    assert "Disallow: /checkout/" in text
    assert f"Sitemap: {settings.SHOP_URL}/sitemap.xml" in text
