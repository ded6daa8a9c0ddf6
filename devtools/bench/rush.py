"""A rush over HTTP: ten customers at once, and a shop whose queue is full."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TypeVar

import requests
from django.db import transaction

from devtools.bench.figures import Comparison, percentiles
from devtools.bench.placing import ADDRESS, hidden
from inventory.holds import set_stock
from inventory.models import Stock
from shop.models import Variant

_CUSTOMERS = 10
_ORDERS = 400
_FILLERS = 70  # more than workers and queue of all processes
_VISITS = 150
_LOCKED_SECONDS = 8.0  # less than a placement waits for a row
_TIMEOUT = 60

Answer = TypeVar("Answer")


class Customer:
    """A visitor who has never been here."""

    def __init__(self, shop: str, variant: Variant) -> None:
        self._shop, self._variant = shop, variant
        self._session = requests.Session()
        self._form: dict[str, str] = {}

    def come_to_the_form(self) -> None:
        """Look at the product, put it in the cart, look at the cart and open the form."""
        product = self._get(f"/products/{self._variant.product.slug}/")
        token = {"csrfmiddlewaretoken": hidden(product, "csrfmiddlewaretoken")}
        item = {**token, "sku": self._variant.sku, "quantity": "1"}
        address = f"{self._shop}/cart/add/"
        self._session.post(address, item, timeout=_TIMEOUT, allow_redirects=False)
        self._get("/cart/")
        page = self._get("/checkout/")
        names = ("csrfmiddlewaretoken", "checkout_key")
        self._form = {**ADDRESS, **{name: hidden(page, name) for name in names}}

    def place(self) -> requests.Response:
        """Send the form; its answer's `elapsed` is what was waited."""
        return self._session.post(
            f"{self._shop}/checkout/", self._form, timeout=_TIMEOUT, allow_redirects=False
        )

    def _get(self, path: str) -> str:
        answer = self._session.get(f"{self._shop}{path}", timeout=_TIMEOUT)
        answer.raise_for_status()
        return answer.text


def report(shop: str) -> list[str]:
    """Place orders with ten customers at once; then fill the queue and look at the rest."""
    variants = Variant.objects.select_related("product").filter(is_published=True)
    popular = list(variants)[:_CUSTOMERS]
    for variant in popular:
        set_stock(sku=variant.sku, on_hand=1_000_000, by="bench")
    return [*_busy(shop, popular), *_full(shop, popular[0])]


def _busy(shop: str, variants: list[Variant]) -> list[str]:
    customers = [Customer(shop, variants[n % len(variants)]) for n in range(2 * _ORDERS)]
    first, others = customers[:_ORDERS], customers[_ORDERS:]
    _at_once(Customer.come_to_the_form, first)
    began = time.perf_counter()
    times = [_placed(answer) for answer in _at_once(Customer.place, first)]
    placing = time.perf_counter() - began
    began = time.perf_counter()
    _at_once(_buy, others)
    buying = time.perf_counter() - began
    return [
        f"POST /checkout/ by {_CUSTOMERS} customers at once",
        f"  ours                {percentiles(times)}   aim: p50 ≤ 5 ms",
        f"  rate                {_ORDERS / placing:.0f} orders/s",
        f"A guest's whole checkout (product, add, cart, form, place), {_CUSTOMERS} at once",
        f"  rate                {_ORDERS / buying:.0f} orders/s   aim: ≥ 60",
        "",
    ]


def _buy(customer: Customer) -> None:
    customer.come_to_the_form()
    _placed(customer.place())


def _placed(answer: requests.Response) -> float:
    if answer.status_code != requests.codes.see_other:
        raise RuntimeError(f"The checkout answered {answer.status_code}.")
    return answer.elapsed.total_seconds()


def _at_once(work: Callable[[Customer], Answer], customers: Iterable[Customer]) -> list[Answer]:
    with ThreadPoolExecutor(_CUSTOMERS) as pool:
        return list(pool.map(work, customers))


def _full(shop: str, variant: Variant) -> list[str]:
    """Measure a refusal beside a view that does nothing, and the catalogue beside itself idle."""
    last = Customer(shop, variant)
    last.come_to_the_form()
    with requests.Session() as visitor:
        idle = [_visit(visitor, f"{shop}/products/") for _ in range(_VISITS)]
        with _full_queue(shop, variant):
            refusals, views, catalogue = _look(visitor, shop, last)
    static = "a view that does nothing (/healthz)"
    return [
        *Comparison("A refusal while the queue is full", refusals, static, views, "≤ 2").lines(),
        "",
        *Comparison(
            "GET /products/ while the queue is full", catalogue, "the same, idle", idle, "≤ 4", 95
        ).lines(),
    ]


def _look(
    visitor: requests.Session, shop: str, last: Customer
) -> tuple[list[float], list[float], list[float]]:
    """Ask for all three in turn, for as long as the queue is sure to be full."""
    refusals, views, catalogue = [], [], []
    until = time.monotonic() + _LOCKED_SECONDS / 2
    while time.monotonic() < until:
        refused = last.place()
        if refused.status_code != requests.codes.service_unavailable:
            raise RuntimeError(f"The queue is not full: {refused.status_code}.")
        refusals.append(refused.elapsed.total_seconds())
        views.append(_visit(visitor, f"{shop}/healthz"))
        catalogue.append(_visit(visitor, f"{shop}/products/"))
    return refusals, views, catalogue


def _visit(visitor: requests.Session, address: str) -> float:
    answer = visitor.get(address, timeout=_TIMEOUT)
    answer.raise_for_status()
    return answer.elapsed.total_seconds()


@contextmanager
def _full_queue(shop: str, variant: Variant) -> Iterator[None]:
    """Hold the SKU's row, so that every placement of it waits, and send more than have room."""
    customers = [Customer(shop, variant) for _ in range(_FILLERS)]
    _at_once(Customer.come_to_the_form, customers)
    with ThreadPoolExecutor(_FILLERS) as pool:
        with transaction.atomic():
            Stock.objects.locked().get(sku=variant.sku)
            waiting = [pool.submit(customer.place) for customer in customers]
            refused = next(as_completed(waiting)).result()  # the first answers are refusals
            if refused.status_code != requests.codes.service_unavailable:
                raise RuntimeError(f"The queue does not fill: {refused.status_code}.")
            yield
        for one in waiting:
            one.result()
