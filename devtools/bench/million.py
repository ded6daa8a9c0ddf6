"""1,000,000 orders: a placement beside one among 1,000, and the check of the books."""

import json
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil
from django.db import connection

from devtools.bench.figures import Comparison
from devtools.example_events import receipt_body, receipt_personal
from inventory.holds import set_stock
from shop.books import check_books
from shop.checkout import place_order
from shop.demo.seed import seed_demo
from shop.models import Variant
from shop.tuning.database import throwaway_database
from shop.tuning.load import wish

_FEW, _MANY = 1_000, 1_000_000
_WARM_UP, _RUNS = 50, 500
_ORDERS, _HISTORY = (Path(__file__).with_name(name) for name in ("orders.sql", "history.sql"))
_COUNTED = ("orders_order", "payments_payment", "inventory_stockhold")
_LOOK_SECONDS = 0.1


def report() -> list[str]:
    """Fill two databases in turn and place orders in each; check the books of the larger."""
    with _shop_with(_FEW):
        few = _placements()
    with _shop_with(_MANY):
        many = _placements()
        books = _books()
    name = f"place_order with {_MANY:,} orders in the tables"
    return [*Comparison(name, many, f"with {_FEW:,}", few, "≤ 1.2").lines(), "", *books]


@contextmanager
def _shop_with(orders: int) -> Generator[None]:
    """Use a database with so many orders and all that is behind them."""
    with throwaway_database():
        with connection.cursor() as cursor:
            cursor.execute(_ORDERS.read_text(), {"open": orders // 10, "all": orders})
            cursor.execute(_HISTORY.read_text(), _event())
            for table in _COUNTED:
                cursor.execute(
                    "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, orders]
                )
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("CHECKPOINT")  # or what was filled in is written while we measure
        yield


def _event() -> dict[str, str]:
    personal = {**receipt_personal("B1"), "deliver_to": []}
    return {"body": json.dumps(receipt_body("B1", lines=1)), "personal": json.dumps(personal)}


def _placements() -> list[float]:
    seed_demo()
    sku = Variant.objects.filter(is_published=True).values_list("sku", flat=True)[0]
    set_stock(sku=sku, on_hand=1_000_000, by="bench")
    return [_place(sku) for _ in range(_WARM_UP + _RUNS)][_WARM_UP:]


def _place(sku: str) -> float:
    began = time.perf_counter()
    place_order(wish(sku))
    return time.perf_counter() - began


def _books() -> list[str]:
    """Check the books, and tell how long it took and how much memory PostgreSQL took for it."""
    began = time.perf_counter()
    with _watched() as sizes:
        books = check_books()
    took = time.perf_counter() - began
    if not books.is_balanced:
        raise RuntimeError(f"The books do not balance: {books.to_json()}")
    return [
        f"check_books on {_MANY:,} orders",
        f"  ours                {took:7.1f} s    aim: ≤ 60 s",
        f"  PostgreSQL's memory {max(sizes) / 2**20:7.1f} MB   its processes for it, together",
    ]


@contextmanager
def _watched() -> Generator[list[int]]:
    """Note again and again how much memory of their own the statements' processes hold."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        leader = psutil.Process(cursor.fetchone()[0])
    sizes, over = [_own_memory(leader)], threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_SECONDS):
            sizes.append(_own_memory(leader))

    watch = threading.Thread(target=look)
    watch.start()
    try:
        yield sizes
    finally:
        over.set()
        watch.join()


def _own_memory(leader: psutil.Process) -> int:
    """Add up the leader's and its parallel workers': what is not shared with the others."""
    workers = [one for one in _siblings(leader) if f"for PID {leader.pid}" in _title(one)]
    return sum(_unshared(one) for one in (leader, *workers))


def _siblings(process: psutil.Process) -> list[psutil.Process]:
    parent = process.parent()
    return parent.children() if parent else []


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # gone meanwhile
        return ""


def _unshared(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().uss)
    except psutil.Error:  # gone meanwhile
        return 0
