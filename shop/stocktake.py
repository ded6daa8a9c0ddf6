"""Stocktakes, refused with the orders that hold what would be missing."""

from inventory.holds import StockIsHeld, set_stock
from inventory.lifecycle import HoldStatus
from inventory.models import Stock, StockHold
from orders.models import Order

MOST = 1_000_000_000
_NAMED = 10


class StocktakeRefused(Exception):
    """Less was counted than is set aside; the message names the orders it is set aside for."""


def take_stock(*, sku: str, on_hand: int, by: str) -> Stock:
    """Record a stocktake. Raises StocktakeRefused, changing nothing."""
    try:
        return set_stock(sku=sku, on_hand=on_hand, by=by)
    except StockIsHeld as error:
        raise StocktakeRefused(f"{error} {holders(sku)}") from error


def holders(sku: str) -> str:
    """Name the orders that hold a SKU, oldest first, the first ten with their pieces."""
    held = StockHold.objects.filter(stock_id=sku, status=HoldStatus.HELD)
    first = dict(held.order_by("pk").values_list("reference", "quantity")[:_NAMED])
    orders = Order.objects.filter(transaction_id__in=first).order_by("pk")
    names = [
        f"{number} ({first[reference]})"
        for number, reference in orders.values_list("number", "transaction_id")
    ]
    more = held.count() - len(first)
    return f"They hold it: {', '.join(names)}{f' and {more} more' if more > 0 else ''}."
