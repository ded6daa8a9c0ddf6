"""The answer to a placement that did not end in its own request: an order, or why there is none.

Shared by promises and failures. What is answered here is told by `order.ready_to_pay` or
`placement.refused`, since its customer may have left.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from inventory.models import StockHold
from notifications.outbox import Recipient, record_event
from orders.events import record_order_event
from orders.lifecycle import OrderStatus
from orders.models import Order
from shop.checkout import find_or_place
from shop.placement import LinesUnavailable, Placement, PlacementRefused, PriceChanged, TooOld

# Later an order would surprise its customer more than it would please.
TOO_OLD = timedelta(hours=1)


@dataclass(frozen=True)
class Answer:
    """What became of a placement."""

    order: Order | None = None
    refusal: PlacementRefused | None = None

    @property
    def reason(self) -> str:
        return self.refusal.reason if self.refusal else ""


def answer(placement: Placement, *, asked_at: datetime) -> Answer:
    """Place the order, unless it is too late or cannot be had; joins the caller's transaction."""
    if timezone.now() - asked_at > TOO_OLD:
        return Answer(refusal=TooOld())
    try:
        with transaction.atomic():  # a refusal undoes what was begun, not what the caller did
            return Answer(order=find_or_place(placement))
    except PlacementRefused as refusal:
        return Answer(refusal=refusal)


def tell(placement: Placement, given: Answer) -> None:
    """Record the event that tells the customer; joins the caller's transaction."""
    if given.order is not None:
        tell_ready(given.order)
    elif given.refusal is not None and given.refusal.is_told:
        _tell_refused(placement, given.refusal)


def tell_ready(order: Order) -> None:
    """Record that the order can be paid, if it still waits for that.

    The caller holds the order's lock.
    """
    holds = StockHold.objects.filter(reference=order.transaction_id)
    until = holds.order_by("held_until").values_list("held_until", flat=True).first()
    if order.status == OrderStatus.PENDING and until is not None:
        record_order_event(order, "order.ready_to_pay", hold={"until": until.isoformat()})


def _tell_refused(placement: Placement, refusal: PlacementRefused) -> None:
    contact = placement.contact
    record_event(
        type="placement.refused",
        subject=str(placement.checkout_key),
        customer=Recipient(email=contact.email, name=contact.full_name, locale=placement.locale),
        body={"placement": _body(placement, refusal)},
        personal={
            "customer": {"email": contact.email, "name": contact.full_name},
            "links": {
                "cart": settings.SHOP_URL + reverse("cart"),
                "shop": f"{settings.SHOP_URL}/",
            },
        },
    )


def _body(placement: Placement, refusal: PlacementRefused) -> dict[str, Any]:
    total = None
    if isinstance(refusal, PriceChanged):
        total = {"amount": str(refusal.total), "currency": settings.SHOP_CURRENCY}
    lines = refusal.lines if isinstance(refusal, LinesUnavailable) else ()
    return {
        "checkout_key": str(placement.checkout_key),
        "reason": refusal.reason,
        "lines": [asdict(line) for line in lines],
        "total": total,
    }
