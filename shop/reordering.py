"""Putting the items of an earlier order into a cart again, as far as they can be had."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from orders.models import Order, OrderLine
from shop.cart import Cart, CartFull
from shop.pricing import QuotedLine, quote


@dataclass(frozen=True)
class Reordered:
    """What came of it: lines put in whole, in part, or not at all."""

    whole: Sequence[OrderLine]
    fewer: Sequence[OrderLine]
    missing: Sequence[OrderLine]


def reorder(order: Order, cart: Cart) -> Reordered:
    """Put an order's items in the cart at the prices of now; what is there already counts.

    Asked twice it puts them in once. One query for all lines.
    """
    lines = list(order.lines.all())
    wanted = tuple((line.sku, line.quantity) for line in lines)
    offered = {line.variant.sku: line for line in quote(items=wanted).lines}
    quantities = {line.pk: _put(line, offered.get(line.sku), cart) for line in lines}
    return Reordered(
        whole=[line for line in lines if quantities[line.pk] >= line.quantity],
        fewer=[line for line in lines if 0 < quantities[line.pk] < line.quantity],
        missing=[line for line in lines if quantities[line.pk] == 0],
    )


def _put(line: OrderLine, offer: QuotedLine | None, cart: Cart) -> int:
    """Return how many of it the cart has then."""
    if offer is None:
        return 0
    had = cart.quantity_of(line.sku)
    most = min(offer.available, settings.MAX_QUANTITY_PER_LINE)
    quantity = max(had, min(line.quantity, most))
    if quantity > had:
        try:
            cart.put(line.sku, quantity, offer.variant.price)
        except CartFull:
            return 0
    return quantity
