"""The demonstration catalogue."""

from decimal import Decimal
from io import StringIO

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command

from inventory.models import Stock, StockMovement
from shop.models import Category, DeliveryMethod, Product, ShopPage, Variant

pytestmark = pytest.mark.django_db(transaction=True)


def seed() -> str:
    out = StringIO()
    call_command("seed_demo", stdout=out)
    return out.getvalue()


def test_seeding_twice_changes_nothing_and_keeps_what_staff_edited() -> None:
    seed()
    Product.objects.filter(slug="da-lat-coffee").update(name_en="Our coffee")
    Variant.objects.filter(sku="LANTERN-HOIAN-35").update(price=Decimal("41.00"))
    movements = StockMovement.objects.count()
    assert seed() == "0 rows created.\n"
    assert Product.objects.get(slug="da-lat-coffee").name_en == "Our coffee"
    assert Variant.objects.get(sku="LANTERN-HOIAN-35").price == Decimal("41.00")
    assert StockMovement.objects.count() == movements


def test_demonstration_shows_every_state_of_stock_in_two_languages() -> None:
    seed()
    assert Product.objects.count() >= 24
    assert Stock.objects.get(sku="LANTERN-HOIAN-35").available == 3
    assert Stock.objects.get(sku="TEAPOT-BATTRANG-350").available == 0
    for model in (Category, Product, DeliveryMethod):
        assert not model.objects.filter(name_vi="").exists()
    assert set(ShopPage.objects.values_list("slug", flat=True)) == {
        "contact",
        "delivery",
        "terms",
        "privacy",
    }


def test_every_demonstration_picture_is_there() -> None:
    seed()
    for picture in Product.objects.values_list("picture", flat=True):
        assert finders.find(picture), picture
