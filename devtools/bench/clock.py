"""One tick of the clock with nothing due, over many orders, in a database of its own."""

import time
from pathlib import Path

from django.db import connection

from devtools.bench.figures import percentiles
from shop import clock
from shop.tallies import HourTally
from shop.tuning.database import throwaway_database

_OPEN, _CLOSED = 100_000, 1_000_000
_TICKS = 50
_SEED = Path(__file__).with_name("orders.sql")


def report() -> list[str]:
    """Fill the database, let the clock tick and tell how long each tick took."""
    with throwaway_database():
        began = time.perf_counter()
        with connection.cursor() as cursor:
            cursor.execute(_SEED.read_text(), {"open": _OPEN, "all": _OPEN + _CLOSED})
        seeded = time.perf_counter() - began
        _catch_up()
        times = [_tick() for _ in range(_TICKS)]
    return [
        f"One tick with nothing due, {_OPEN:,} open and {_CLOSED:,} closed orders",
        f"  ours                {percentiles(times)}   aim: p95 ≤ 200 ms",
        f"  (filled in {seeded:.0f} s)",
    ]


def _catch_up() -> None:
    """Tick until the hours of two weeks are tallied, 24 in each tick; all is in memory then."""
    tallied = -1
    while tallied < (tallied := HourTally.objects.count()):
        clock.tick()


def _tick() -> float:
    began = time.perf_counter()
    done = clock.tick()
    if done:
        raise RuntimeError(f"{done} cases were due.")
    return time.perf_counter() - began
