"""Placements through an executor, beside bare ORM transactions with as many threads."""

import threading

from django.conf import settings

from devtools.bench.figures import percentiles
from devtools.bench.placing import write_bare
from inventory.holds import set_stock
from notifications.models import Event
from shop.checkout import place_order
from shop.models import Variant
from shop.placement import Placement
from shop.tuning.load import Load, Place, measure, wish

_SECONDS = 3.0
_ROUNDS = 3
_CUSTOMERS = 10


def report() -> list[str]:
    """Measure in turn, in this one process: all SKUs, the floor, one SKU."""
    variants = {one.sku: one for one in Variant.objects.select_related("product")}
    for sku in variants:
        set_stock(sku=sku, on_hand=10_000_000, by="bench")
    skus = tuple(variants)
    like = Event.objects.get(subject=place_order(wish(skus[0])).number)

    def bare(placement: Placement) -> object:
        return write_bare(variants[placement.items[0][0]], like=like)

    spread, floor, hot = [], [], []
    for _ in range(_ROUNDS):
        spread += _measure(skus, place_order)
        floor += _measure(skus, bare)
        hot += _measure(skus[:1], place_order)
    workers = settings.INTAKE_WORKERS
    return [
        f"place_order through an executor of {workers}, one process, {_CUSTOMERS} customers",
        f"  all SKUs            {_told(spread)}",
        f"  floor               {_told(floor)}   the same rows in bare ORM transactions",
        f"  one SKU             {_told(hot)}",
        f"  rate of the floor's {len(spread) / len(floor):.2f}   aim: ≥ 0.80",
        f"  one SKU to all      {len(hot) / len(spread):.2f}   aim: ≥ 0.80",
    ]


def _measure(skus: tuple[str, ...], write: Place) -> list[float]:
    load = Load(settings.INTAKE_WORKERS, _CUSTOMERS, skus, _SECONDS)
    return measure(load, threading.Barrier(1), write)


def _told(times: list[float]) -> str:
    return f"{len(times) / (_SECONDS * _ROUNDS):5.0f} orders/s   {percentiles(times)}"
