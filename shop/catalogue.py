"""What shoppers see of the catalogue: listing, availability. Constant in queries."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Min, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from shop.models import Category, Product, Variant

SORTS = {
    "": _("Our order"),
    "price": _("Price, low to high"),
    "-price": _("Price, high to low"),
    "new": _("Newest first"),
}
FEW = 5  # from this many down, a page says how many are left
_ORDERINGS = {
    "": ("category__position", "position", "slug"),
    "price": ("lowest_price", "slug"),
    "-price": ("-lowest_price", "slug"),
    "new": ("-created_at", "slug"),
}
_NOT_LISTED = ("description_en", "description_vi", "names", "search")  # long, shown by no list
_LONGEST_QUERY = 100
# What every visitor asks for, in SQL: Django takes longer to put such a query together than
# PostgreSQL to answer it.
_PRODUCT = "SELECT * FROM shop_product WHERE slug = %s AND is_published"
_PRODUCT_OF = "SELECT * FROM shop_product WHERE id = %s AND is_published"
_CATEGORY = "SELECT * FROM shop_category WHERE id = %s"
_NEIGHBOURS = """
    SELECT id, slug, category_id, name_en, name_vi, summary_en, summary_vi, picture
    FROM shop_product AS product
    WHERE category_id = %s AND id <> %s AND is_published AND EXISTS (
        SELECT FROM shop_variant WHERE product_id = product.id AND is_published
    )
    ORDER BY position, slug LIMIT 4
"""
_OFFERS = """
    SELECT variant.*, coalesce(stock.on_hand - stock.held, 0) AS available
    FROM shop_variant AS variant LEFT JOIN inventory_stock AS stock USING (sku)
    WHERE variant.is_published AND
"""
_VARIANT = _OFFERS + "sku = %s"
_VARIANTS = _OFFERS + "product_id = ANY(%s) ORDER BY position, id"


@dataclass(frozen=True)
class Offer:
    """One variant as it can be bought now."""

    variant: Variant
    available: int

    @property
    def is_sold_out(self) -> bool:
        return self.available == 0

    @property
    def is_running_out(self) -> bool:
        return 0 < self.available <= FEW


@dataclass(frozen=True)
class Listed:
    """One product with the variants it is sold in."""

    product: Product
    offers: tuple[Offer, ...]

    @property
    def available(self) -> int:
        return sum(offer.available for offer in self.offers)

    @property
    def is_sold_out(self) -> bool:
        return self.available == 0

    @property
    def is_running_out(self) -> bool:
        return 0 < self.available <= FEW

    @property
    def lowest_price(self) -> Decimal:
        return min(offer.variant.price for offer in self.offers)

    @property
    def has_several_prices(self) -> bool:
        return len({offer.variant.price for offer in self.offers}) > 1

    def first_to_offer(self) -> Offer:
        """Return the first variant that can be had, or the first of all."""
        return next((o for o in self.offers if not o.is_sold_out), self.offers[0])


def clean_query(typed: str) -> str:
    """Return what was searched for as one line of sane length."""
    text = unicodedata.normalize("NFC", typed[: _LONGEST_QUERY * 4])
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())[:_LONGEST_QUERY]


def find_products(*, category: str = "", sort: str = "") -> QuerySet[Product]:
    """Return the published products of a category that have something to sell."""
    products = Product.objects.on_sale().defer(*_NOT_LISTED)
    if sort.endswith("price"):
        lowest = Min("variants__price", filter=Q(variants__is_published=True))
        products = products.annotate(lowest_price=lowest)
    if category:
        products = products.filter(category__slug=category)
    return products.order_by(*_ORDERINGS.get(sort, _ORDERINGS[""]))


def list_products(products: Iterable[Product]) -> list[Listed]:
    """Read the variants of these products and what is left of each: one query for all."""
    rows = list(products)
    by_product: dict[int, list[Offer]] = {}
    for offer in _offers(_VARIANTS, [[row.pk for row in rows]]):
        by_product.setdefault(offer.variant.product_id, []).append(offer)
    return [Listed(row, tuple(by_product[row.pk])) for row in rows if row.pk in by_product]


def find_product(slug: str) -> tuple[Listed, list[Listed]] | None:
    """Return a published product that has something to sell, and its neighbours: four queries."""
    for product in Product.objects.raw(_PRODUCT, [slug]):
        product.category = Category.objects.raw(_CATEGORY, [product.category_id])[0]
        neighbours = Product.objects.raw(_NEIGHBOURS, [product.category_id, product.pk])
        listed = list_products([product, *neighbours])
        if listed and listed[0].product is product:
            return listed[0], listed[1:]
    return None


def find_offer(sku: str) -> Offer | None:
    """Return the variant with its product, if it is on sale: two queries."""
    for offer in _offers(_VARIANT, [sku]):
        for product in Product.objects.raw(_PRODUCT_OF, [offer.variant.product_id]):
            offer.variant.product = product
            return offer
    return None


def _offers(statement: str, parameters: list[Any]) -> list[Offer]:
    """Read variants with what can still be sold of each."""
    variants = Variant.objects.raw(statement, parameters)
    return [Offer(one, one.available) for one in variants]  # type: ignore[attr-defined] # selected
