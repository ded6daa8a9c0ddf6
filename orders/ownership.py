"""Whose orders are whose: a guest's become those of the account that confirmed their address."""

from collections.abc import Collection

from django.db import transaction
from django.db.models.functions import Upper
from django.utils import timezone

from orders.models import Order


def join_guest_orders(*, user_id: int, confirmed: Collection[str]) -> int:
    """Give the account every guest order of its confirmed addresses; return how many.

    Owns its transaction. Each is marked as joined: anybody may have placed it with that address.
    """
    addresses = {address.upper() for address in confirmed if address}
    if not addresses:
        return 0
    orders = Order.objects.alias(address=Upper("email"))
    orders = orders.filter(user=None, address__in=addresses)
    if not orders.exists():
        return 0
    with transaction.atomic():
        keys = list(orders.locked().values_list("pk", flat=True))
        guests = Order.objects.filter(pk__in=keys, user=None)
        return guests.update(user_id=user_id, joined_at=timezone.now())
