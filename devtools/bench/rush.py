"""A rush over HTTP: ten customers at once, and a shop whose queue is full.

The customers are threads of this one process and share the cores with the shop; what of the
processor's time is theirs is told beside the rate.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TypeVar

from django.db import transaction

from devtools.bench.figures import Comparison, percentiles
from devtools.bench.placing import ADDRESS
from devtools.bench.visitor import Answer, Visitor
from inventory.holds import set_stock
from inventory.models import Stock
from shop.models import Variant

_CUSTOMERS = 10
_ORDERS = 400
_FILLERS = 70  # more than workers and queue of all processes
_VISITS = 150
_LOCKED_SECONDS = 8.0  # less than a placement waits for a row

Result = TypeVar("Result")


class Customer:
    """A visitor who has never been here."""

    def __init__(self, shop: str, variant: Variant) -> None:
        self._visitor, self._variant = Visitor(shop), variant
        self._form: dict[str, str] = {}

    def come_to_the_form(self) -> None:
        """Look at the product, put it in the cart, look at the cart and open the form."""
        product = self._visitor.get(f"/products/{self._variant.product.slug}/").expect(200)
        token = {"csrfmiddlewaretoken": product.hidden("csrfmiddlewaretoken")}
        item = {**token, "sku": self._variant.sku, "quantity": "1"}
        self._visitor.post("/cart/add/", item).expect(303)
        self._visitor.get("/cart/").expect(200)
        page = self._visitor.get("/checkout/").expect(200)
        names = ("csrfmiddlewaretoken", "checkout_key")
        self._form = {**ADDRESS, **{name: page.hidden(name) for name in names}}
        self._visitor.leave()  # whoever fills in a form takes longer than a connection is kept

    def place(self) -> Answer:
        """Send the form."""
        return self._visitor.post("/checkout/", self._form)

    def buy(self) -> None:
        """Do all of it, and leave."""
        self.come_to_the_form()
        self.place().expect(303)
        self._visitor.leave()


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
    times = [answer.expect(303).seconds for answer in _at_once(Customer.place, first)]
    placing = time.perf_counter() - began
    began, worked = time.perf_counter(), time.process_time()
    _at_once(Customer.buy, others)
    buying, customers_own = time.perf_counter() - began, time.process_time() - worked
    return [
        f"POST /checkout/ by {_CUSTOMERS} customers at once",
        f"  ours                {percentiles(times)}   aim: p50 ≤ 5 ms",
        f"  rate                {_ORDERS / placing:.0f} orders/s",
        f"A guest's whole checkout (product, add, cart, form, place), {_CUSTOMERS} at once",
        f"  rate                {_ORDERS / buying:.0f} orders/s   aim: ≥ 60",
        f"  the customers' own  {customers_own / _ORDERS * 1000:.1f} ms of a core for each order",
        "",
    ]


def _at_once(work: Callable[[Customer], Result], customers: Iterable[Customer]) -> list[Result]:
    with ThreadPoolExecutor(_CUSTOMERS) as pool:
        return list(pool.map(work, customers))


def _full(shop: str, variant: Variant) -> list[str]:
    """Measure a refusal beside a view that does nothing, and the catalogue beside itself idle."""
    last = Customer(shop, variant)
    last.come_to_the_form()
    with Visitor(shop) as visitor:
        idle = [visitor.get("/products/").expect(200).seconds for _ in range(_VISITS)]
        visitor.leave()  # filling the queue takes longer than an idle connection is kept
        with _full_queue(shop, variant):
            refusals, pages, words, catalogue = _look(visitor, last)
    title, static = "A refusal while the queue is full", "a static view (the shop's page for 404)"
    return [
        *Comparison(title, refusals, static, pages, "≤ 2").lines(),
        f"  /healthz            {percentiles(words)}   a view of one word, without a log line",
        "",
        *Comparison(
            "GET /products/ while the queue is full", catalogue, "the same, idle", idle, "≤ 4", 95
        ).lines(),
    ]


def _look(visitor: Visitor, last: Customer) -> tuple[list[float], ...]:
    """Ask for all four in turn, for as long as the queue is sure to be full."""
    refusals, pages, words, catalogue = [], [], [], []
    until = time.monotonic() + _LOCKED_SECONDS / 2
    while time.monotonic() < until:
        refusals.append(last.place().expect(503).seconds)
        pages.append(visitor.get("/no/such/page/").expect(404).seconds)
        words.append(visitor.get("/healthz").expect(200).seconds)
        catalogue.append(visitor.get("/products/").expect(200).seconds)
    return refusals, pages, words, catalogue


@contextmanager
def _full_queue(shop: str, variant: Variant) -> Iterator[None]:
    """Hold the SKU's row, so that every placement of it waits, and send more than have room."""
    customers = [Customer(shop, variant) for _ in range(_FILLERS)]
    _at_once(Customer.come_to_the_form, customers)
    with ThreadPoolExecutor(_FILLERS) as pool:
        with transaction.atomic():
            Stock.objects.locked().get(sku=variant.sku)
            waiting = [pool.submit(customer.place) for customer in customers]
            next(as_completed(waiting)).result().expect(503)  # the first answers are refusals
            yield
        for one in waiting:
            one.result()
