"""What staff do with a paid order: ship, undo it, deliver; and with its flag.

Each function owns its transaction and holds the order's lock.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from lifecycles import check_transition
from orders.events import record_order_event
from orders.flags import REFUSING_TO_SHIP
from orders.lifecycle import ORDER_TRANSITIONS, OrderStatus
from orders.models import Order
from orders.tracking import tracking_url

UNDO_WITHIN = timedelta(hours=1)


class FulfilmentRefused(Exception):
    """The order stays as it is; the message says why."""


class Flagged(FulfilmentRefused):
    """Its money may have gone back: staff must look, then clear the flag."""


class TooLate(FulfilmentRefused):
    """It was shipped too long ago for that to be undone."""


class GoodsCameBack(FulfilmentRefused):
    """Some of it was returned: it was shipped indeed."""


class NoteMissing(FulfilmentRefused):
    """A flag is cleared with a note that says why."""


@transaction.atomic(durable=True)
def ship_order(*, order_id: int, carrier: str, tracking_number: str, by: str) -> bool:
    """Move a paid order to SHIPPED; return whether it was not so already.

    Records `order.shipped`. Raises Flagged and IllegalTransition.
    """
    order = Order.objects.locked().get(pk=order_id)
    if order.status == OrderStatus.SHIPPED:
        return False
    check_transition(ORDER_TRANSITIONS, thing=str(order), old=order.status, new=OrderStatus.SHIPPED)
    if order.flag in REFUSING_TO_SHIP:
        raise Flagged(f"{order} is flagged: {order.get_flag_display()}.")
    order.carrier, order.tracking_number = carrier, tracking_number
    order.save(update_fields=["carrier", "tracking_number"])
    order.move_to(OrderStatus.SHIPPED, by=by, at=timezone.now())
    record_shipment(order)
    return True


def record_shipment(order: Order) -> None:
    """Record `order.shipped` in the caller's transaction, which holds the order's lock."""
    carrier, number = order.carrier, order.tracking_number
    shipment = {
        "carrier": carrier,
        "tracking_number": number,
        "tracking_url": tracking_url(carrier, number),
    }
    record_order_event(order, "order.shipped", shipment=shipment)


@transaction.atomic(durable=True)
def undo_ship(*, order_id: int, by: str) -> bool:
    """Take a mistaken "shipped" back, within an hour; return whether it was not so already.

    Records `order.ship_undone`. Raises TooLate, GoodsCameBack and IllegalTransition.
    """
    order = Order.objects.locked().get(pk=order_id)
    now = timezone.now()
    if order.status == OrderStatus.SUCCESS:
        return False
    if order.status == OrderStatus.SHIPPED and now - shipped_at(order) > UNDO_WITHIN:
        raise TooLate(f"{order} was shipped more than an hour ago.")
    if order.returns.exists():
        raise GoodsCameBack(f"Some of {order} has come back: it was shipped.")
    order.move_to(OrderStatus.SUCCESS, by=by, at=now)
    record_order_event(order, "order.ship_undone")
    return True


@transaction.atomic(durable=True)
def mark_delivered(*, order_id: int, by: str) -> bool:
    """Move a shipped order to DELIVERED; return whether it was not so already.

    Records `order.delivered`. Raises IllegalTransition.
    """
    order = Order.objects.locked().get(pk=order_id)
    is_news = order.move_to(OrderStatus.DELIVERED, by=by, at=timezone.now())
    if is_news:
        record_order_event(order, "order.delivered")
    return is_news


@transaction.atomic(durable=True)
def clear_flag(*, order_id: int, note: str, by: str) -> bool:
    """Lift the flag; return whether there was one. What was lifted, why and by whom stays.

    Raises NoteMissing.
    """
    if not note.strip():
        raise NoteMissing("Say why the flag is cleared.")
    order = Order.objects.locked().get(pk=order_id)
    if not order.flag:
        return False
    order.notes.create(text=f"Flag {order.flag} cleared: {note}", by=by, at=timezone.now())
    order.flag = ""
    order.save(update_fields=["flag"])
    return True


def shipped_at(order: Order) -> datetime:
    """Return when a shipped order left."""
    return order.transitions.filter(new=OrderStatus.SHIPPED).latest("pk").at
