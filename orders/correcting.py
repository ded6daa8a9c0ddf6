"""What staff write to an order by hand: notes, and corrections of where it goes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from django.db import transaction
from django.utils import timezone

from orders.fulfilment import NoteMissing, record_shipment
from orders.lifecycle import OrderStatus
from orders.models import Order
from orders.placement import Contact


@dataclass(frozen=True, kw_only=True)
class Shipment:
    """How a parcel travels."""

    carrier: str
    tracking_number: str


@transaction.atomic(durable=True)
def add_note(*, order_id: int, text: str, by: str) -> None:
    """Keep what staff want to remember. Raises NoteMissing."""
    if not text.strip():
        raise NoteMissing("Write what is to be remembered.")
    order = Order.objects.locked().get(pk=order_id)
    order.notes.create(text=text.strip(), by=by, at=timezone.now())


@transaction.atomic(durable=True)
def correct_order(
    *, order_id: int, contact: Contact, shipment: Shipment | None = None, by: str
) -> bool:
    """Correct whom the order goes to and how it travels; return whether anything differed.

    A note says who corrected which fields; what stood there is in the events recorded before, as
    long as the customer is not forgotten. Emails sent again go to the new address. A shipment that
    is on its way is told to its customer anew: `order.shipped`.
    """
    order = Order.objects.locked().get(pk=order_id)
    is_sent = order.status in {OrderStatus.SHIPPED, OrderStatus.DELIVERED}
    travels = asdict(shipment) if shipment and is_sent else {}
    changed = _correct(order, {**asdict(contact), **travels}, by)
    if order.status == OrderStatus.SHIPPED and changed & travels.keys():
        record_shipment(order)
    return bool(changed)


def _correct(order: Order, values: Mapping[str, str], by: str) -> set[str]:
    changed = [name for name, value in values.items() if getattr(order, name) != value]
    if changed:
        for name in changed:
            setattr(order, name, values[name])
        order.save(update_fields=changed)
        names = ", ".join(name.replace("_", " ") for name in changed)
        order.notes.create(text=f"Corrected: {names}", by=by, at=timezone.now())
    return set(changed)
