"""A placement among 1,000,000 orders, beside one among 1,000: each in a database of its own."""

import time
from pathlib import Path

from django.db import connection

from devtools.bench.figures import Comparison
from inventory.holds import set_stock
from shop.checkout import place_order
from shop.demo.seed import seed_demo
from shop.models import Variant
from shop.tuning.database import throwaway_database
from shop.tuning.load import wish

_FEW, _MANY = 1_000, 1_000_000
_WARM_UP, _RUNS = 50, 500
_SEED = Path(__file__).with_name("orders.sql")


def report() -> list[str]:
    """Fill two databases, one after the other, and place orders in each."""
    few, many = _placements(_FEW), _placements(_MANY)
    name = f"place_order with {_MANY:,} orders in the tables"
    return Comparison(name, many, f"with {_FEW:,}", few, "≤ 1.2").lines()


def _placements(orders: int) -> list[float]:
    with throwaway_database():
        with connection.cursor() as cursor:
            cursor.execute(_SEED.read_text(), {"open": orders // 10, "all": orders})
            cursor.execute("SELECT setval('orders_order_id_seq', %s)", [orders])
            cursor.execute("SELECT setval('payments_payment_id_seq', %s)", [orders])
            cursor.execute("SELECT setval('inventory_stockhold_id_seq', %s)", [orders])
            cursor.execute("VACUUM ANALYZE")
        seed_demo()
        sku = Variant.objects.filter(is_published=True).values_list("sku", flat=True)[0]
        set_stock(sku=sku, on_hand=1_000_000, by="bench")
        return [_place(sku) for _ in range(_WARM_UP + _RUNS)][_WARM_UP:]


def _place(sku: str) -> float:
    began = time.perf_counter()
    place_order(wish(sku))
    return time.perf_counter() - began
