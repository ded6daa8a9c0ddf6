"""Customers who place one order after another, in one process: real orders, real PostgreSQL."""

import random
import secrets
import threading
import uuid
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address
from time import monotonic
from typing import TypeVar

from django.db import connections

from orders.placement import Contact
from shop.checkout import place_order
from shop.placement import Placement

_NETWORK = int(IPv6Address("2001:db8::"))  # for examples (RFC 3849)
Place = Callable[[Placement], object]
Done = TypeVar("Done")


@dataclass(frozen=True)
class Load:
    """One process's part of a measurement."""

    workers: int  # 0: no executor, each customer's thread places its own order
    customers: int
    skus: tuple[str, ...]
    seconds: float


def wish(sku: str) -> Placement:
    """Return a new customer's wish for one piece, from a network address of their own."""
    return Placement(
        checkout_key=uuid.uuid4(),
        cart_id=uuid.uuid4(),
        items=((sku, 1),),
        contact=Contact(
            email=f"{secrets.token_hex(8)}@example.com",
            full_name="Lan Nguyễn",
            phone="",
            line1="12 Hàng Gai",
            line2="",
            city="Hà Nội",
            postal_code="100000",
            country="VN",
        ),
        delivery="",
        shown_total=None,
        locale="en",
        user_id=None,
        network_address=str(IPv6Address(_NETWORK + secrets.randbits(64))),
    )


def measure(load: Load, all_ready: threading.Barrier, write: Place = place_order) -> list[float]:
    """Return how long each order took its customer, in seconds.

    Everybody places an order first that is not measured: all connections are there by then.
    """
    with _executor(load.workers, write) as place, _threads(load.customers) as customers:
        try:
            _together(customers, load.customers, lambda: _place_one(load, place))
            all_ready.wait()
        except BaseException:
            all_ready.abort()
            raise
        end = monotonic() + load.seconds
        shopped = _together(customers, load.customers, lambda: _shop(load, place, end))
        return [seconds for times in shopped for seconds in times]


@contextmanager
def _threads(number: int) -> Generator[ThreadPoolExecutor]:
    """Yield so many threads; their connections are closed at the end, not when Python likes."""
    with ThreadPoolExecutor(max(1, number)) as pool:
        yield pool
        all_here = threading.Barrier(max(1, number))  # so that each of them closes its own
        _together(pool, number, lambda: _hang_up(all_here))


def _hang_up(all_here: threading.Barrier) -> None:
    all_here.wait()
    connections.close_all()


def _together(threads: ThreadPoolExecutor, number: int, work: Callable[[], Done]) -> list[Done]:
    """Let so many threads do it, and wait for all."""
    waiting = [threads.submit(work) for _ in range(number)]
    return [one.result() for one in waiting]


@contextmanager
def _executor(workers: int, write: Place) -> Generator[Place]:
    if workers == 0:
        yield write
        return
    with _threads(workers) as pool:
        yield lambda placement: pool.submit(write, placement).result()


def _place_one(load: Load, place: Place) -> None:
    place(wish(random.choice(load.skus)))  # noqa: S311


def _shop(load: Load, place: Place, end: float) -> list[float]:
    """Place one order after another; each that is there before the end counts."""
    times = []
    while (asked := monotonic()) < end:
        _place_one(load, place)
        if (done := monotonic()) < end:
            times.append(done - asked)
    return times
