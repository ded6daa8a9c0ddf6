"""gunicorn's max-requests: a web process that ends after so many requests loses nothing."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from django.db import connection, transaction

from devtools.environment import PROJECT
from devtools.ports import free_port
from inventory.models import Stock
from orders.models import Order
from shop.books import check_books
from shop.models import PlacementPromise
from tests.concurrency.customers import SKU, Customer, rush
from tests.factories import DeliveryMethodFactory, VariantFactory
from tests.paying import on_shelf

pytestmark = pytest.mark.django_db(transaction=True)

_CROWD = 6
_FORMS = 8
_REQUESTS_EACH = 4  # cart, add, form, order
_PATIENCE_SECONDS = 60


class Shop:
    """gunicorn as it runs in production, of so many processes, on this test's database."""

    def __init__(self, size: int, log: Path, *, max_requests: int) -> None:
        self.size, self._log = size, log
        self.url = f"http://127.0.0.1:{free_port()}"
        bind = f"--bind={self.url.removeprefix('http://')}"
        command = [bind, f"--max-requests={max_requests}", "shop.wsgi"]
        with log.open("wb") as file:
            self._master = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", *command],
                cwd=PROJECT,
                env=os.environ | self._variables(),
                stderr=file,
            )

    def processes(self) -> set[int]:
        return {one.pid for one in psutil.Process(self._master.pid).children()}

    def has_left(self, pid: int) -> bool:
        """Say whether a process answers nobody any more; it may have placements in line."""
        return f"Worker exiting (pid: {pid})" in self._log.read_text()

    def stop(self) -> None:
        self._master.terminate()
        self._master.wait(_PATIENCE_SECONDS)

    def _variables(self) -> dict[str, str]:
        database = urlsplit(os.environ["DATABASE_URL"])
        return {
            "DATABASE_URL": database._replace(path=f"/{connection.settings_dict['NAME']}").geturl(),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "SHOP_URL": self.url,
            "WEB_PROCESSES": str(self.size),
            "INTAKE_WAIT_SECONDS": "0.5",
        }


@contextmanager
def open_shop(size: int, log: Path, *, max_requests: int) -> Generator[Shop]:
    VariantFactory.create(sku=SKU, stock=100)
    DeliveryMethodFactory.create()
    shop = Shop(size, log, max_requests=max_requests)
    try:
        wait_until(lambda: len(shop.processes()) == shop.size)  # they listen by then
        yield shop
    finally:
        shop.stop()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def promises(status: str) -> int:
    return PlacementPromise.objects.filter(status=status).count()


def test_a_process_that_has_had_its_requests_keeps_what_it_promised(tmp_path: Path) -> None:
    most = _CROWD * _REQUESTS_EACH
    with open_shop(1, tmp_path / "log", max_requests=most) as shop:
        crowd = [Customer(shop.url) for _ in range(_CROWD)]
        (first,) = shop.processes()
        with transaction.atomic():
            Stock.objects.select_for_update().get(sku=SKU)
            assert rush(crowd) == [303] * _CROWD
            wait_until(lambda: shop.has_left(first))
            assert promises("WAITING") == _CROWD
        wait_until(lambda: promises("PLACED") == _CROWD)
        wait_until(lambda: first not in shop.processes())
        assert {customer.state() for customer in crowd} == {"ready"}
    assert Order.objects.count() == _CROWD
    assert check_books().is_balanced


def test_processes_that_come_and_go_all_the_time_make_one_order_of_each_form(
    tmp_path: Path,
) -> None:
    def shop_there(shop: Shop) -> int:
        customer = Customer(shop.url)
        wait_until(customer.is_taken)
        return len(shop.processes() - first)

    log = tmp_path / "log"
    with open_shop(2, log, max_requests=10) as shop, ThreadPoolExecutor(4) as pool:
        first = shop.processes()
        others = list(pool.map(shop_there, [shop] * _FORMS))
    assert max(others) > 0
    assert Order.objects.count() == _FORMS
    assert on_shelf(SKU) == (100, _FORMS)
    assert check_books().is_balanced
