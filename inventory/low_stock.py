"""Telling staff that a SKU is running out: once a crossing of its threshold, not once a sale."""

from collections.abc import Iterable, Mapping

from django.conf import settings
from django.urls import reverse

from inventory.models import Stock
from notifications.outbox import record_event


def tell_of_low_stock(before: Mapping[str, int], now: Iterable[Stock]) -> None:
    """Record `stock.low` for each SKU that came down to its threshold.

    `before` is what was available of each, `now` the rows as they are, locked by the caller's
    transaction since it was read.
    """
    for stock in now:
        if stock.available <= stock.low_stock_threshold < before[stock.sku]:
            _record(stock)


def _record(stock: Stock) -> None:
    page = reverse("admin:inventory_stock_change", args=[stock.sku])
    record_event(
        type="stock.low",
        subject=stock.sku,
        customer=None,
        body={
            "stock": {
                "sku": stock.sku,
                "available": stock.available,
                "on_hand": stock.on_hand,
                "held": stock.held,
                "threshold": stock.low_stock_threshold,
            },
            "links": {"admin": settings.SHOP_URL + page},
        },
        personal={},
    )
