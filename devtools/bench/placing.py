"""The place-order POST over HTTP, beside the same rows written by a bare ORM transaction."""

import re
import time
import uuid

import requests
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from devtools.bench.figures import Comparison
from inventory.holds import set_stock
from inventory.models import MovementKind, Stock, StockHold, StockMovement
from notifications.models import Event, OutboxEntry
from orders.models import Order, OrderLine, OrderTransition
from payments.models import Payment, PaymentTransition
from shop.models import Variant

_WARM_UP = 20
_RUNS = 200
ADDRESS = {
    "email": "bench@example.com",
    "full_name": "Bench Mark",
    "phone": "",
    "line1": "1 Fast Street",
    "line2": "",
    "city": "Đà Lạt",
    "postal_code": "66000",
    "country": "VN",
}


def measure(shop: str) -> Comparison:
    """Place orders in turn over HTTP and by the bare transaction."""
    variant = Variant.objects.select_related("product").filter(is_published=True).first()
    if variant is None:
        raise LookupError("The shop has no product: seed_demo makes some.")
    set_stock(sku=variant.sku, on_hand=1_000_000, by="bench")
    ours, floor = [], []
    for run in range(_WARM_UP + _RUNS):
        posted = _post(shop, variant.sku)
        written = write_bare(variant, like=Event.objects.latest("recorded_at"))
        if run >= _WARM_UP:
            ours.append(posted)
            floor.append(written)
    return Comparison(
        "POST /checkout/ (place an order)",
        ours,
        "the same rows in a bare ORM transaction",
        floor,
        "≤ 2.5",
    )


def _post(shop: str, sku: str) -> float:
    """Fill a new visitor's cart and form, and time the form's POST alone."""
    with requests.Session() as visitor:
        page = visitor.get(f"{shop}/cart/", timeout=30).text
        token = hidden(page, "csrfmiddlewaretoken")
        item = {"csrfmiddlewaretoken": token, "sku": sku, "quantity": "1"}
        visitor.post(f"{shop}/cart/add/", item, timeout=30)
        page = visitor.get(f"{shop}/checkout/", timeout=30).text
        form = {
            "csrfmiddlewaretoken": hidden(page, "csrfmiddlewaretoken"),
            "checkout_key": hidden(page, "checkout_key"),
            **ADDRESS,
        }
        answer = visitor.post(f"{shop}/checkout/", form, timeout=30, allow_redirects=False)
    if answer.status_code != requests.codes.see_other:
        raise RuntimeError(f"The checkout answered {answer.status_code}.")
    return answer.elapsed.total_seconds()  # from the request's sending to the answer's head


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]+)"', page)
    if found is None:
        raise LookupError(f"The page has no field {name}.")
    return found[1]


def write_bare(variant: Variant, *, like: Event) -> float:
    """Write the rows of one order, with no question asked and an event like that, and time it."""
    began = time.perf_counter()
    now = timezone.now()
    with transaction.atomic():
        order = Order.objects.create(
            fingerprint="",
            cart_id=uuid.uuid4(),
            checkout_key=uuid.uuid4(),
            **ADDRESS,
            currency="USD",
            items_total=variant.price,
            delivery_name="",
            delivery_price=0,
            total=variant.price,
            expires_at=now + settings.ORDER_EXPIRY,
        )
        OrderLine.objects.create(
            order=order,
            sku=variant.sku,
            name=variant.product.name,
            slug=variant.product.slug,
            quantity=1,
            unit_price=variant.price,
        )
        OrderTransition.objects.create(order=order, new="PENDING", by="bench", at=now)
        payment = Payment.objects.create(
            order=order,
            transaction_id=order.transaction_id,
            amount=variant.price,
            currency="USD",
        )
        PaymentTransition.objects.create(payment=payment, new="PENDING", by="bench", at=now)
        event = Event.objects.create(
            type=like.type,
            subject=order.number,
            traceparent=like.traceparent,
            body=like.body,
            personal=like.personal,
        )
        OutboxEntry.objects.create(event=event)
        StockHold.objects.create(
            reference=order.transaction_id,
            stock_id=variant.sku,
            quantity=1,
            held_until=now + settings.ORDER_HOLD,
        )
        StockMovement.objects.create(
            stock_id=variant.sku,
            kind=MovementKind.HOLD,
            held_change=1,
            reference=order.transaction_id,
            by="bench",
            moved_at=now,
        )
        Stock.objects.filter(pk=variant.sku).update(held=F("held") + 1)
    return time.perf_counter() - began
