"""What a basket of goods costs now: the same sum for the cart, the checkout page and the order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from inventory.models import Stock
from shop.models import DeliveryMethod, Variant
from shop.placement import Items


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
    stock = Stock.objects.filter(sku=OuterRef("sku")).values(left=F("on_hand") - F("held"))
    variants = (
        Variant.objects.select_related("product")
        .defer("product__search", "product__description_en", "product__description_vi")
        .filter(sku__in=wanted, is_published=True, product__is_published=True)
        .annotate(left=Coalesce(Subquery(stock), 0))
        .order_by("sku")
    )
    lines = [QuotedLine(variant, wanted[variant.sku], variant.left) for variant in variants]
    found = {line.variant.sku for line in lines}
    items_total = sum((line.total for line in lines), Decimal("0.00"))
    return Quote(
        lines=lines,
        missing=sorted(set(wanted) - found),
        delivery=choose_delivery(delivery_methods(country), items_total, delivery),
    )


def delivery_methods(country: str | None) -> list[DeliveryMethod]:
    """Return the methods that go to the country, or all of them without one."""
    methods = DeliveryMethod.objects.filter(is_active=True)
    return [method for method in methods if country is None or method.goes_to(country)]


def choose_delivery(
    methods: Iterable[DeliveryMethod], items_total: Decimal, slug: str | None
) -> DeliveryMethod | None:
    """Return the method of that slug (None if there is none), or the cheapest without a slug."""
    if slug:
        return next((method for method in methods if method.slug == slug), None)
    return min(methods, key=lambda method: method.price_for(items_total), default=None)
