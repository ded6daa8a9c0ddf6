"""Forgetting whom orders went to. What was bought, for how much and when, stays: the books."""

from notifications.forgetting import Person
from orders.lifecycle import OrderStatus
from orders.models import Order, new_token

_OPEN = (OrderStatus.PENDING, OrderStatus.SUCCESS)


class StillOpen(Exception):
    """Orders that wait for their payment or their parcel need their customer."""


def orders_of(email: str) -> list[Order]:
    """Lock and return the orders of that address. Raises StillOpen."""
    orders = list(Order.objects.locked().filter(email__iexact=email))
    waiting = [order.number for order in orders if order.status in _OPEN]
    if waiting:
        raise StillOpen(f"Not shipped or not paid yet: {', '.join(waiting)}.")
    return orders


def forget_orders(person: Person) -> int:
    """Blank the person in their orders; the old links lead nowhere. The country stays."""
    orders = Order.objects.filter(pk__in=person.order_ids)
    for order in orders:
        for name in _PERSONAL:
            setattr(order, name, "")
        order.network_address, order.user, order.token = None, None, new_token()
        order.save(update_fields=[*_PERSONAL, "network_address", "user", "token"])
    return len(orders)


_PERSONAL = (
    "email",
    "full_name",
    "phone",
    "line1",
    "line2",
    "city",
    "postal_code",
    "tracking_number",
)
