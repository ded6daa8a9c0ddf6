"""Fill a shop with the demonstration catalogue of Gánh."""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from inventory.holds import set_stock
from inventory.models import Stock
from shop.models import Category, DeliveryMethod, Product, ShopPage, Variant
from shop.price_history import sign_prices

_CATALOGUE = Path(__file__).with_name("catalogue.json")
# The catalogue's prices are dollars; elsewhere the same figures will do, but not where no sum has
# a fraction. About what a dollar is worth there:
_FOR_A_DOLLAR = {"HUF": 350, "JPY": 150, "TWD": 30}


@transaction.atomic(durable=True)
def seed_demo() -> int:
    """Create what is missing, in one transaction; return how many rows that were.

    Rows that exist keep what staff made of them; stock is set for SKUs that have none yet.
    """
    sign_prices("seed_demo")
    catalogue = json.loads(_CATALOGUE.read_text(encoding="utf-8"))
    created = sum(_category(row) for row in catalogue["categories"])
    created += sum(_product(row) for row in catalogue["products"])
    created += sum(_delivery_method(row) for row in catalogue["delivery_methods"])
    created += sum(_page(row) for row in catalogue["pages"])
    return created


def _texts(row: Mapping[str, Any], *fields: str) -> dict[str, str]:
    return {f"{name}_{lang}": row[name][lang] for name in fields for lang in ("en", "vi")}


def _price(dollars: str) -> Decimal:
    """Return a price in the shop's currency; a converted one is a multiple of ten."""
    rate = _FOR_A_DOLLAR.get(settings.SHOP_CURRENCY)
    return Decimal(dollars) if rate is None else (Decimal(dollars) * rate).quantize(Decimal("1e1"))


def _category(row: Mapping[str, Any]) -> bool:
    defaults = {**_texts(row, "name"), "position": row["position"]}
    return Category.objects.get_or_create(slug=row["slug"], defaults=defaults)[1]


def _product(row: Mapping[str, Any]) -> int:
    product, is_new = Product.objects.get_or_create(
        slug=row["slug"],
        defaults={
            **_texts(row, "name", "summary", "description"),
            "category": Category.objects.get(slug=row["category"]),
            "picture": row["picture"],
            "position": row["position"],
            "is_featured": row["featured"],
        },
    )
    return is_new + sum(_variant(product, n, one) for n, one in enumerate(row["variants"]))


def _variant(product: Product, position: int, row: Mapping[str, Any]) -> bool:
    _variant_row, is_new = Variant.objects.get_or_create(
        sku=row["sku"],
        defaults={
            **_texts(row, "name"),
            "product": product,
            "price": _price(row["price"]),
            "position": position,
        },
    )
    if not Stock.objects.filter(sku=row["sku"]).exists():
        set_stock(sku=row["sku"], on_hand=row["stock"], by="seed_demo")
        Stock.objects.filter(sku=row["sku"]).update(low_stock_threshold=row["low_stock_threshold"])
    return is_new


def _delivery_method(row: Mapping[str, Any]) -> bool:
    defaults = {
        **_texts(row, "name"),
        "price": _price(row["price"]),
        "free_above": row["free_above"] and _price(row["free_above"]),
        "countries": row["countries"],
    }
    return DeliveryMethod.objects.get_or_create(slug=row["slug"], defaults=defaults)[1]


def _page(row: Mapping[str, Any]) -> bool:
    return ShopPage.objects.get_or_create(slug=row["slug"], defaults=_texts(row, "title", "body"))[
        1
    ]
