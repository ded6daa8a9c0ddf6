"""The processes that the load is divided over, as the shop's is over its web processes."""

import multiprocessing
import threading
from collections.abc import Generator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:  # needs Django's apps, which a new process has not loaded yet
    from shop.tuning.load import Load

_all_ready: threading.Barrier


class Processes:
    """So many processes, which begin each measurement together."""

    def __init__(self, pool: ProcessPoolExecutor, number: int) -> None:
        self._pool, self._number = pool, number

    def measure(self, load: "Load") -> list[float]:
        """Divide the load over the processes and return the times of all orders, in seconds."""
        loads = divide(load, self._number)
        return [seconds for times in self._pool.map(_measure, loads) for seconds in times]


def divide(load: "Load", processes: int) -> list["Load"]:
    """Share workers and customers out; customers go only where somebody works for them."""
    busy = min(processes, load.workers) if load.workers else processes
    return [
        replace(
            load,
            workers=_share(load.workers, busy, number),
            customers=_share(load.customers, busy, number),
        )
        for number in range(processes)
    ]


def _share(whole: int, parts: int, number: int) -> int:
    return whole // parts + (number < whole % parts) if number < parts else 0


@contextmanager
def processes(number: int, database: Mapping[str, Any]) -> Generator[Processes]:
    """Start processes that work with this database; they end with the block."""
    context = multiprocessing.get_context("spawn")
    settings = (dict(database), context.Barrier(number))
    with ProcessPoolExecutor(number, context, initializer=_begin, initargs=settings) as pool:
        yield Processes(pool, number)


def _begin(database: dict[str, Any], all_ready: threading.Barrier) -> None:
    global _all_ready
    django.setup()
    from django.db import connection

    connection.settings_dict.update(database)
    _all_ready = all_ready


def _measure(load: "Load") -> list[float]:
    from shop.tuning.load import measure

    return measure(load, _all_ready)
