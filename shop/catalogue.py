"""What shoppers see of the catalogue: listing, search, availability. Constant in queries."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import F, Min, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from inventory.models import Stock
from shop.models import Product, Variant

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
_LONGEST_QUERY = 100
_MOST_WORDS = 8


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


def find_products(*, query: str = "", category: str = "", sort: str = "") -> QuerySet[Product]:
    """Return the published products of a category that match every word, each word a prefix."""
    products = Product.objects.published().annotate(
        lowest_price=Min("variants__price", filter=Q(variants__is_published=True))
    )
    products = products.filter(lowest_price__isnull=False)
    if category:
        products = products.filter(category__slug=category)
    if query:
        words = _search_query(query)
        if words is None:
            return products.none()
        products = products.filter(search=words)
        if not sort:
            return products.order_by(SearchRank(F("search"), words).desc(), "position", "slug")
    return products.order_by(*_ORDERINGS.get(sort, _ORDERINGS[""]))


def _search_query(query: str) -> SearchQuery | None:
    words = re.findall(r"\w+", query)[:_MOST_WORDS]
    if not words:
        return None
    prefixes = " & ".join(f"'{word}':*" for word in words)
    return SearchQuery(prefixes, config="ganh", search_type="raw")


def list_products(products: Iterable[Product]) -> list[Listed]:
    """Read the products with their variants and what is left of each: three queries."""
    rows = list(products)
    variants = list(Variant.objects.filter(product__in=rows, is_published=True))
    left = availability(v.sku for v in variants)
    by_product: dict[int, list[Offer]] = {}
    for variant in variants:
        offer = Offer(variant, left.get(variant.sku, 0))
        by_product.setdefault(variant.product_id, []).append(offer)
    return [Listed(row, tuple(by_product[row.pk])) for row in rows if row.pk in by_product]


def find_product(slug: str) -> Listed | None:
    """Return the published product, if there is one that has something to sell."""
    return next(
        iter(
            list_products(Product.objects.published().select_related("category").filter(slug=slug))
        ),
        None,
    )


def find_offer(sku: str) -> Offer | None:
    """Return the variant, if it is on sale."""
    on_sale = Variant.objects.filter(is_published=True, product__is_published=True)
    variant = on_sale.select_related("product").filter(sku=sku).first()
    if variant is None:
        return None
    return Offer(variant, availability([sku]).get(sku, 0))


def availability(skus: Iterable[str]) -> dict[str, int]:
    """Return what can still be sold of each SKU that has stock."""
    rows = Stock.objects.filter(sku__in=list(skus)).values_list("sku", F("on_hand") - F("held"))
    return dict(rows)
