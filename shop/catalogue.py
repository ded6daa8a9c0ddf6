"""What shoppers see of the catalogue: listing, search, availability. Constant in queries."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import F, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
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
_NOT_LISTED = ("search", "description_en", "description_vi")  # long, and shown by no list
_NEIGHBOURS = 4  # shown below a product
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
    products = Product.objects.on_sale().defer(*_NOT_LISTED)
    if sort.endswith("price"):
        lowest = Min("variants__price", filter=Q(variants__is_published=True))
        products = products.annotate(lowest_price=lowest)
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
    """Read the products with their variants and what is left of each: two queries."""
    rows = list(products)
    by_product: dict[int, list[Offer]] = {}
    for offer in _offers(Variant.objects.filter(product__in=rows, is_published=True)):
        by_product.setdefault(offer.variant.product_id, []).append(offer)
    return [Listed(row, tuple(by_product[row.pk])) for row in rows if row.pk in by_product]


def find_product(slug: str) -> tuple[Listed, list[Listed]] | None:
    """Return a published product that has something to sell, and its neighbours: three queries."""
    published = Product.objects.published().defer("search")
    product = published.select_related("category").filter(slug=slug).first()
    if product is None:
        return None
    neighbours = find_products().filter(category=product.category_id).exclude(pk=product.pk)
    listed = list_products([product, *neighbours[:_NEIGHBOURS]])
    return (listed[0], listed[1:]) if listed and listed[0].product is product else None


def find_offer(sku: str) -> Offer | None:
    """Return the variant with its product, if it is on sale: one query."""
    on_sale = Variant.objects.filter(is_published=True, product__is_published=True)
    with_product = on_sale.select_related("product").defer(*(f"product__{n}" for n in _NOT_LISTED))
    return next(iter(_offers(with_product.filter(sku=sku))), None)


def _offers(variants: QuerySet[Variant]) -> list[Offer]:
    """Read the variants with what can still be sold of each."""
    stock = Stock.objects.filter(sku=OuterRef("sku")).values(left=F("on_hand") - F("held"))
    return [Offer(one, one.left) for one in variants.annotate(left=Coalesce(Subquery(stock), 0))]
