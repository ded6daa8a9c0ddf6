"""The pages staff live on, among 1,000,000 orders: server time and statements of each request."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from devtools.bench.figures import percentiles
from orders.lifecycle import OrderStatus
from orders.models import Order
from shop.tuning.database import throwaway_database

_ORDERS = 1_000_000
_RUNS = 20
_SEED = Path(__file__).with_name("desk.sql")
_LIST = "/admin/orders/order/"


def report() -> list[str]:
    """Fill a database of its own, and look at each page as its owner."""
    with throwaway_database():
        with connection.cursor() as cursor:
            cursor.execute(_SEED.read_text(), {"all": _ORDERS})
            cursor.execute("VACUUM ANALYZE")
        return measure()


def measure() -> list[str]:
    """Measure each page on the rows that are there."""
    owner, _is_new = User.objects.get_or_create(
        username="bench", defaults={"is_staff": True, "is_superuser": True}
    )
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    lines = ["Staff's pages among so many orders   aim: p95 ≤ 150 ms, ≤ 25 statements"]
    return lines + [_measured(client, name, page) for name, page in _pages()]


def _pages() -> Iterator[tuple[str, str]]:
    order = Order.objects.filter(status=OrderStatus.DELIVERED).order_by("-placed_at")[1000]
    day = timezone.now() - timedelta(days=30)
    yield "first page", "/admin/"
    yield "order page", f"{_LIST}{order.pk}/change/"
    yield "order list", _LIST
    yield "its last page", f"{_LIST}?p=10"
    yield "to ship", f"{_LIST}?needs=ship"
    yield "in review", f"{_LIST}?needs=review"
    yield "failed", f"{_LIST}?status__exact=FAILED"
    yield "payment failed", f"{_LIST}?payment__status__exact=FAILED"
    yield (
        "one day",
        (
            f"{_LIST}?placed_at__year={day.year}&placed_at__month={day.month}&placed_at__day={day.day}"
        ),
    )
    yield "found: number", f"{_LIST}?q={order.number}"
    yield "found: address", f"{_LIST}?q={order.email[2:14]}"
    yield "found: name", f"{_LIST}?q={order.full_name}"
    yield "found: many", f"{_LIST}?q=Quang"
    yield "found: nobody", f"{_LIST}?q=nobody is called that"
    yield "found: PayPal's", f"{_LIST}?q=CAPTURE{order.pk}"
    yield "found: parcel", f"{_LIST}?q={order.tracking_number}"


def _measured(client: Client, name: str, page: str) -> str:
    client.get(page)  # the first fills the caches that a shop's would find full
    with CaptureQueriesContext(connection) as statements:
        client.get(page)
    asked = len(statements)
    times = [_look(client, page) for _ in range(_RUNS)]
    return f"  {name:<19} {percentiles(times)}   {asked} statements"


def _look(client: Client, page: str) -> float:
    began = time.perf_counter()
    response = client.get(page)
    taken = time.perf_counter() - began
    if response.status_code != 200:
        raise RuntimeError(f"{page} answered {response.status_code}.")
    return taken
