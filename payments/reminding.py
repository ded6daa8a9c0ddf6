"""Reminding customers who have not paid, while their items are still set aside."""

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from inventory import holds
from inventory.lifecycle import HoldStatus
from inventory.models import StockHold
from notifications.models import Event
from orders.events import record_order_event
from orders.lifecycle import OrderStatus
from orders.models import Order
from orders.restraint import may_write_about_unpaid
from payments.endings import was_never_charged
from payments.lifecycle import PaymentStatus
from payments.locks import lock_order

_REMINDER = "order.payment_reminder"


def orders_to_remind() -> QuerySet[Order]:
    """Return the unpaid orders whose items are set aside for a few minutes more; once each."""
    now = timezone.now()
    ending = StockHold.objects.filter(
        status=HoldStatus.HELD, held_until__gt=now, held_until__lte=now + settings.ORDER_REMINDER
    )
    reminded = Event.objects.filter(subject=OuterRef("number"), type=_REMINDER)
    unpaid = Order.objects.filter(status=OrderStatus.PENDING, payment__status=PaymentStatus.PENDING)
    return unpaid.filter(transaction_id__in=ending.values("reference")).exclude(Exists(reminded))


@transaction.atomic(durable=True)
def remind_customer(order_id: int) -> None:
    """Record `order.payment_reminder`, void once the hold has ended, if it is still due."""
    order, payment = lock_order(order_id)
    until = holds.held_until(order.transaction_id)
    if until is None or not orders_to_remind().filter(pk=order.pk).exists():
        return
    record_order_event(
        order,
        _REMINDER,
        notify=was_never_charged(payment) and may_write_about_unpaid(order),
        valid_until=until,
        hold={"until": until.isoformat()},
    )
