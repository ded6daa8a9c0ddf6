"""The search page among 100,000 products, in a database of its own."""

import time
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.test import Client

from devtools.bench.figures import percentile, percentiles
from shop.demo.seed import seed_demo
from shop.tuning.database import throwaway_database

_PRODUCTS = 100_000
_RUNS = 10
_SEED = Path(__file__).with_name("products.sql")
_TYPED = {
    "one word of many names": ("tea", "cà phê", "lantern", "ba"),
    "one word of many texts": ("lụa", "silk", "table"),
    "several words": ("hue black tea", "khăn đỏ hội an", "blue scarf", "tea bamboo"),
    "one product in a thousand": ("munhupo", "phudomin"),
    "mistyped": ("cofee", "scraf", "bambo lantrn", "tách trà xanhh", "ba trang bowk"),
    "nothing": ("zzzzzz", "x" * 100, "qwrtp plmkj"),
}


def report() -> list[str]:
    """Fill the database, search for all of it in turn, and tell how long each kind took."""
    with throwaway_database():
        seed_demo()
        with connection.cursor() as cursor:
            cursor.execute(_SEED.read_text(), {"products": _PRODUCTS})
            cursor.execute("VACUUM ANALYZE")
        client = Client(headers={"host": settings.ALLOWED_HOSTS[0]})
        kinds = {kind: _times(client, typed) for kind, typed in _TYPED.items()}
    every = [one for times in kinds.values() for one in times]
    return [
        f"GET /products/?q=… among {_PRODUCTS:,} products, the page rendered",
        *(f"  {kind:<26}{percentiles(times)}" for kind, times in kinds.items()),
        f"  {'all':<26}{percentiles(every)}   aim: p95 ≤ 50 ms",
        *([] if percentile(every, 95) <= 0.05 else ["  Too slow."]),
    ]


def _times(client: Client, typed: tuple[str, ...]) -> list[float]:
    for one in typed:  # the first reads what the others find in memory
        _search(client, one)
    return [_search(client, one) for _ in range(_RUNS) for one in typed]


def _search(client: Client, typed: str) -> float:
    began = time.perf_counter()
    answer = client.get("/products/", {"q": typed})
    took = time.perf_counter() - began
    if answer.status_code != 200:
        raise RuntimeError(f"{typed!r}: {answer.status_code}")
    return took
