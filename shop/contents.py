"""A cart read against the catalogue: what its lines cost now, and what is wrong with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from shop.cart import Cart, CartItem
from shop.models import DeliveryMethod
from shop.pricing import Quote, QuotedLine, delivery_methods, quote


@dataclass(frozen=True)
class CartLine:
    """One line of a cart; without a quote it is no longer sold."""

    sku: str
    item: CartItem
    quoted: QuotedLine | None

    @property
    def available(self) -> int:
        return self.quoted.available if self.quoted else 0

    @property
    def is_short(self) -> bool:
        return self.available < self.item.quantity

    @property
    def has_new_price(self) -> bool:
        return self.quoted is not None and self.quoted.variant.price != self.item.shown_price


@dataclass(frozen=True)
class DeliveryOption:
    """One way to deliver these very items, and what all comes to with it."""

    method: DeliveryMethod
    price: Decimal
    total: Decimal

    @property
    def slug(self) -> str:
        return self.method.slug


@dataclass(frozen=True)
class Contents:
    """All lines of a cart, in the order they were put in, at the prices of now."""

    lines: Sequence[CartLine]
    quote: Quote

    @property
    def can_be_ordered(self) -> bool:
        return bool(self.lines) and not any(line.is_short for line in self.lines)

    @property
    def pieces(self) -> int:
        return sum(line.item.quantity for line in self.lines)

    def take_new_prices(self) -> bool:
        """Let the prices of now count as shown; return whether any differed."""
        changed = False
        for line in self.lines:
            if line.quoted and line.has_new_price:
                line.item.shown_price = line.quoted.variant.price
                changed = True
        return changed

    def delivery_options(self) -> list[DeliveryOption]:
        """Return every active way to deliver, the cheapest first: one query."""
        items_total = self.quote.items_total
        priced = [(method.price_for(items_total), method) for method in delivery_methods(None)]
        return [
            DeliveryOption(method, price, items_total + price)
            for price, method in sorted(priced, key=lambda one: (one[0], one[1].price))
        ]


def read_contents(cart: Cart, *, country: str | None = None) -> Contents:
    """Price the cart's lines now, the delivery to that country: three queries."""
    priced = quote(items=cart.quantities, country=country)
    found = {line.variant.sku: line for line in priced.lines}
    lines = [CartLine(sku, item, found.get(sku)) for sku, item in cart.items.items()]
    return Contents(lines, priced)
