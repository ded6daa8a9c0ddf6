"""Search: accents, beginnings, slips of the finger, order, and whatever else is typed."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from shop import search
from shop.models import Product
from tests.factories import ProductFactory, VariantFactory
from tests.shop.pages import parsed, text_of

pytestmark = pytest.mark.django_db


def _sell(name: str, name_vi: str = "", **texts: Any) -> Product:
    product = ProductFactory.create(name_en=name, name_vi=name_vi or name, **texts)
    VariantFactory.create(product=product)
    return product


def _found(client: Client, typed: str, **changes: str) -> list[str]:
    """Return the names of what is found, in the page's order."""
    page = parsed(client.get("/products/", {"q": typed, **changes}))
    return ["".join(heading.itertext()) for heading in page.iter("h3")]


@pytest.mark.parametrize(
    "typed",
    ["ca phe", "Cà phê", "CA PH", "da lat", "đà lạt", "arab", "ph ca", "Da\u0300 La\u0323t"],
)
def test_search_ignores_accents_case_and_word_order(client: Client, typed: str) -> None:
    _sell("Đà Lạt arabica coffee", "Cà phê arabica Đà Lạt")
    _sell("Silk scarf", "Khăn lụa")
    assert _found(client, typed) == ["Đà Lạt arabica coffee"]


@pytest.mark.parametrize(
    "typed", ["cofee", "coffe", "coffea", "cofffee", "cfofee", "arabcia cofee", "ca phr", "coffees"]
)
def test_mistyped_word_finds_what_was_meant_and_says_so(client: Client, typed: str) -> None:
    _sell("Arabica coffee", "Cà phê")
    _sell("Silk scarf", "Khăn lụa")
    answer = client.get("/products/", {"q": typed})
    assert "Arabica coffee" in text_of(answer)
    assert "Silk scarf" not in text_of(answer)
    is_beginning = "coffee".startswith(typed)
    assert ("Nothing is called quite that." in text_of(answer)) is not is_beginning


def test_word_that_is_in_no_product_is_left_out(client: Client) -> None:
    _sell("Bamboo basket")
    assert _found(client, "bamboo wxyzwxyz") == ["Bamboo basket"]
    assert _found(client, "wxyzwxyz") == []


def test_words_of_a_changed_product_are_known(client: Client) -> None:
    product = _sell("Basket")
    product.name_en = "Steamer"
    product.save()
    Product.objects.filter(pk=product.pk).update(summary_en="Woven of rattan")
    assert _found(client, "steemer") == ["Steamer"]
    assert _found(client, "ratan") == ["Steamer"]


def test_name_comes_before_summary_and_summary_before_description(client: Client) -> None:
    _sell("Third", description_en="Goes well with lotus.")
    _sell("Second", summary_en="Smells of lotus.")
    _sell("First lotus")
    _sell("Fourth", description_en="Of the lotuses only the leaf.")
    assert _found(client, "lotus") == ["First lotus", "Second", "Third", "Fourth"]


def test_accents_that_were_typed_come_first(client: Client) -> None:
    _sell("Rice", "Lúa", position=1)
    _sell("Silk", "Lụa", position=2)
    assert _found(client, "lụa") == ["Silk", "Rice"]
    assert _found(client, "lua") == ["Rice", "Silk"]


def test_found_products_can_be_sorted_and_narrowed(client: Client) -> None:
    dear = ProductFactory.create(name_en="Tea, dear")
    VariantFactory.create(product=dear, price=40)
    cheap = ProductFactory.create(name_en="Green tea, cheap", category=dear.category)
    VariantFactory.create(product=cheap, price=5)
    _sell("Tea elsewhere")
    shelf = dear.category.slug
    assert _found(client, "tea", category=shelf, sort="price") == ["Green tea, cheap", "Tea, dear"]
    assert _found(client, "tea", category=shelf, sort="-price") == ["Tea, dear", "Green tea, cheap"]


def test_search_ends_at_its_best_matches(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST", 3)
    VariantFactory.create_batch(5)
    assert len(_found(client, "lotus")) == 3
    assert "The 3 best matches" in text_of(client.get("/products/", {"q": "lotus"}))


@pytest.mark.parametrize(("typed", "most"), [("lotus", 5), ("lotos", 8), ("lotos tae blck", 8)])
def test_search_asks_little_however_much_is_found(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries, typed: str, most: int
) -> None:
    VariantFactory.create_batch(30)
    with django_assert_max_num_queries(most):
        client.get("/products/", {"q": typed})


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "zzz",
            "'",
            "''",
            "& | !",
            "%",
            "\0",
            "a\0b",
            "(" * 50,
            "é" * 10_000,
            ":*",
            "\\",
            "tea\\",
        ),
        *(
            "'tea':*",
            "tea:A",
            "<->",
            "{}",
            '{"a","b"}',
            "NULL",
            "🏮",
            "\u202etea",
            "_",
            "a_b",
            "١٢",
        ),
        *("ß", "ﬁ", "tea" * 40, "; DROP TABLE shop_product", "ा", "ﷺ " * 20),
    ],
)
def test_search_answers_whatever_is_typed(client: Client, typed: str) -> None:
    VariantFactory.create()
    assert client.get("/products/", {"q": typed}).status_code == 200


def test_empty_result_helps_on(client: Client) -> None:
    text = text_of(client.get("/products/", {"q": "zzz"}))
    assert text.startswith("Nothing found for “zzz” Try a shorter word")


def test_what_is_found_stands_best_first_and_says_so(client: Client) -> None:
    VariantFactory.create(product__name_en="Lotus tea")
    text = text_of(client.get("/products/", {"q": "tea"}))
    assert text.startswith("Found for “tea” 1 thing")
    assert "Sort Best match" in text


@pytest.mark.parametrize(
    ("typed", "meant", "is_slip"),
    [
        ("teh", "tea", True),
        ("tae", "tea", True),
        ("scraf", "scarf", True),
        ("basekt", "basket", True),
        ("bakset", "basket", True),
        ("tea", "tray", False),
        ("silk", "lamp", False),
        ("lantern", "lacquer", False),
    ],
)
def test_few_wrong_keystrokes_are_a_slip(typed: str, meant: str, is_slip: bool) -> None:
    assert search.is_slip_of(typed, meant) is is_slip
