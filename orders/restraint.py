"""Not pestering an address about orders nobody pays: it may be a stranger's."""

from datetime import timedelta

from orders.lifecycle import FailureReason, OrderStatus
from orders.models import Order

UNPAID_A_DAY = 2
_DAY = timedelta(days=1)


def may_write_about_unpaid(order: Order) -> bool:
    """Say whether its customer may be mailed that it is not paid: not from the third in a day on.

    An order that gave way to its own successor is not counted.
    """
    earlier = Order.objects.filter(
        email__iexact=order.email,
        placed_at__gt=order.placed_at - _DAY,
        placed_at__lt=order.placed_at,
        status__in=(OrderStatus.PENDING, OrderStatus.FAILED),
    ).exclude(reason=FailureReason.SUPERSEDED)
    return earlier[:UNPAID_A_DAY].count() < UNPAID_A_DAY
