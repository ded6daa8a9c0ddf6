"""The measurements of `tune_intake`, one number of workers after another, and what they advise."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from inventory.holds import set_stock
from shop.demo.seed import seed_demo
from shop.models import Variant
from shop.tuning.database import throwaway_database
from shop.tuning.load import Load
from shop.tuning.processes import Processes, processes

CUSTOMERS = 40
_PLENTY = 100_000_000
_NEARLY_BEST = 0.95
_FEWEST = 2  # below that there are no percentiles


class TooShort(Exception):
    """Hardly an order was placed in the time there was."""


@dataclass(frozen=True)
class Result:
    """What customers got in one measurement."""

    rate: float  # orders a second
    p50: float  # milliseconds, waiting included
    p95: float
    p99: float


@dataclass(frozen=True)
class Row:
    """Orders spread over the catalogue, and orders for one SKU alone."""

    workers: int  # 0: without an executor
    spread: Result
    hot: Result

    @property
    def name(self) -> str:
        return str(self.workers or f"none ({CUSTOMERS} threads)")


def sweep(sizes: Sequence[int], seconds: float, tell: Callable[[Row], None]) -> list[Row]:
    """Measure each number of workers, then no executor; tell of each row when it is there.

    Works in a database of its own, which is gone afterwards. Raises TooShort.
    """
    with throwaway_database():
        skus = _stock_up()
        with processes(settings.WEB_PROCESSES, connection.settings_dict) as all_processes:
            rows = []
            for row in _rows(all_processes, [*sizes, 0], skus, seconds):
                tell(row)
                rows.append(row)
    return rows


def advise(rows: Sequence[Row]) -> Row:
    """Return the fewest workers that come close to the best rate."""
    pools = [row for row in rows if row.workers]
    best = max(row.spread.rate for row in pools)
    return min(
        (row for row in pools if row.spread.rate >= _NEARLY_BEST * best),
        key=lambda row: row.workers,
    )


def _stock_up() -> tuple[str, ...]:
    """Bring in the demonstration catalogue, with enough of everything."""
    seed_demo()
    skus = tuple(Variant.objects.filter(is_published=True).values_list("sku", flat=True))
    for sku in skus:
        set_stock(sku=sku, on_hand=_PLENTY, by="tune_intake")
    connection.close()
    return skus


def _rows(
    all_processes: Processes, sizes: Sequence[int], skus: tuple[str, ...], seconds: float
) -> Iterator[Row]:
    for workers in sizes:
        spread = _measure(all_processes, workers, skus, seconds)
        yield Row(workers, spread, _measure(all_processes, workers, skus[:1], seconds))


def _measure(
    all_processes: Processes, workers: int, skus: tuple[str, ...], seconds: float
) -> Result:
    times = all_processes.measure(Load(workers, CUSTOMERS, skus, seconds))
    if len(times) < _FEWEST:
        raise TooShort(f"Only {len(times)} orders in {seconds:g} s: give it more --seconds.")
    percentiles = [1000 * one for one in statistics.quantiles(times, n=100, method="inclusive")]
    return Result(len(times) / seconds, percentiles[49], percentiles[94], percentiles[98])
