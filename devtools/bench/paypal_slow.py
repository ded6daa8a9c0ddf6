"""The catalogue while 30 customers are stuck at a PayPal that does not answer, and without them.

Whoever is told that PayPal is slow presses "Pay now" again, so that its places stay taken.
"""

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import requests

from devtools.bench.figures import Comparison
from devtools.bench.placing import ADDRESS
from devtools.paypal.client import Emulator
from inventory.holds import set_stock
from orders.placement import Contact
from shop.checkout import place_order
from shop.models import Variant
from shop.placement import Placement

_CUSTOMERS = 30
_VISITS = 300
_SILENCE_MS = 30_000
_PAUSE_SECONDS = 2.0


def measure(shop: str, paypal: Emulator) -> Comparison:
    """Visit the catalogue without, then with, the customers at PayPal."""
    starts = _addresses(shop)
    calm = _visits(shop)
    paypal.fault("create", "latency", count=100_000, delay_ms=_SILENCE_MS)
    over = threading.Event()
    with ThreadPoolExecutor(_CUSTOMERS) as pool:
        stuck = [pool.submit(_press, address, over) for address in starts]
        try:
            time.sleep(2 * _PAUSE_SECONDS)  # until all of them have pressed
            slow = _visits(shop)
        finally:
            over.set()
            paypal.clear_faults()
        for customer in stuck:
            customer.result()
    return Comparison(
        f"GET /products/ with {_CUSTOMERS} customers stuck at PayPal",
        slow,
        "the same without them",
        calm,
        "≤ 1.5",
    )


def _addresses(shop: str) -> list[str]:
    sku = Variant.objects.filter(is_published=True).values_list("sku", flat=True)[0]
    set_stock(sku=sku, on_hand=1_000_000, by="bench")
    orders = [place_order(_wish(sku)) for _ in range(_CUSTOMERS)]
    return [f"{shop}/payments/{order.transaction_id}/start/" for order in orders]


def _wish(sku: str) -> Placement:
    return Placement(
        checkout_key=uuid.uuid4(),
        cart_id=uuid.uuid4(),
        items=((sku, 1),),
        contact=Contact(**ADDRESS),
        delivery="",
        shown_total=None,
        locale="en",
        user_id=None,
        network_address="127.0.0.1",
    )


def _press(address: str, over: threading.Event) -> None:
    """Press "Pay now" until it is over, each time a little after the answer."""
    while not over.wait(_PAUSE_SECONDS):
        requests.post(address, allow_redirects=False, timeout=60)


def _visits(shop: str) -> list[float]:
    times = []
    with requests.Session() as visitor:
        for _ in range(_VISITS):
            began = time.perf_counter()
            visitor.get(f"{shop}/products/", timeout=60).raise_for_status()
            times.append(time.perf_counter() - began)
    return times
