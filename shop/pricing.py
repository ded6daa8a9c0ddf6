"""What a basket of goods costs now: the same sum for the cart, the checkout page and the order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection

from shop.models import DeliveryMethod, Product, Variant
from shop.placement import Items

# Written by hand: the ORM took longer to put this together than everything else of a placement.
# The stock is no third table of the join: planning that took twice as long.
_OFFERED = """
    SELECT coalesce((SELECT on_hand - held FROM inventory_stock WHERE sku = variant.sku), 0),
           product.id, product.slug, product.name_en, product.name_vi, product.picture,
           variant.id, variant.product_id, variant.sku, variant.name_en, variant.name_vi,
           variant.price
    FROM shop_variant variant
    JOIN shop_product product ON product.id = variant.product_id
    WHERE variant.sku = ANY(%s) AND variant.is_published AND product.is_published
    ORDER BY variant.sku
"""
# As they are selected, and in the order of the models; whatever else is asked for is read then.
_PRODUCT = ("id", "slug", "name_en", "name_vi", "picture")
_VARIANT = ("id", "product_id", "sku", "name_en", "name_vi", "price")
_DELIVERY = "SELECT * FROM shop_deliverymethod WHERE is_active ORDER BY price, slug"


@dataclass(frozen=True)
class QuotedLine:
    """One SKU as it can be had now."""

    variant: Variant
    quantity: int
    available: int

    @property
    def total(self) -> Decimal:
        return self.variant.price * self.quantity

    @property
    def is_short(self) -> bool:
        return self.available < self.quantity


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What the items cost now, in the shop's currency, tax included."""

    lines: Sequence[QuotedLine]
    missing: Sequence[str]  # SKUs that are no longer sold
    delivery: DeliveryMethod | None  # None: nothing goes there

    @property
    def items_total(self) -> Decimal:
        return sum((line.total for line in self.lines), Decimal("0.00"))

    @property
    def delivery_price(self) -> Decimal:
        return self.delivery.price_for(self.items_total) if self.delivery else Decimal("0.00")

    @property
    def total(self) -> Decimal:
        return self.items_total + self.delivery_price


def quote(*, items: Items, delivery: str | None = None, country: str | None = None) -> Quote:
    """Price the items at the present prices, in two queries.

    `delivery` is a method's slug; without one it is the cheapest that goes to the country (to
    anywhere, without a country).
    """
    wanted = dict(items)
    lines = [
        QuotedLine(variant, wanted[variant.sku], available)
        for variant, available in _offered(list(wanted))
    ]
    found = {line.variant.sku for line in lines}
    items_total = sum((line.total for line in lines), Decimal("0.00"))
    return Quote(
        lines=lines,
        missing=sorted(set(wanted) - found),
        delivery=choose_delivery(delivery_methods(country), items_total, delivery),
    )


def _offered(skus: list[str]) -> list[tuple[Variant, int]]:
    """Return those that are sold, with their products, and how many of each can be had."""
    with connection.cursor() as cursor:
        cursor.execute(_OFFERED, [skus])
        rows = cursor.fetchall()
    return [(_variant(row[1:6], row[6:]), row[0]) for row in rows]


def _variant(product: Sequence[Any], variant: Sequence[Any]) -> Variant:
    offered = Variant.from_db(DEFAULT_DB_ALIAS, _VARIANT, variant)
    offered.product = Product.from_db(DEFAULT_DB_ALIAS, _PRODUCT, product)
    return offered


def delivery_methods(country: str | None) -> list[DeliveryMethod]:
    """Return the methods that go to the country, or all of them without one."""
    methods = DeliveryMethod.objects.raw(_DELIVERY)
    return [method for method in methods if country is None or method.goes_to(country)]


def choose_delivery(
    methods: Iterable[DeliveryMethod], items_total: Decimal, slug: str | None
) -> DeliveryMethod | None:
    """Return the method of that slug (None if there is none), or the cheapest without a slug."""
    if slug:
        return next((method for method in methods if method.slug == slug), None)
    return min(methods, key=lambda method: method.price_for(items_total), default=None)
