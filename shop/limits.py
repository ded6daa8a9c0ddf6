"""Limits against abuse: how many unpaid orders one customer, or one network address, may have."""

import hashlib
from collections.abc import Sequence

from django.conf import settings
from django.db import connection
from django.db.models import Count

from orders.lifecycle import OrderStatus
from orders.models import Order
from shop.placement import Placement, TooManyOpenOrders

OPEN_ORDERS_OF_ONE_EMAIL = 3
OPEN_ORDERS_OF_ONE_ADDRESS = 20
_BUSIEST = 10
_OPEN_ORDERS = """
    SELECT count(*) FILTER (WHERE upper(email) = upper(%(email)s)),
           count(*) FILTER (WHERE network_address = %(address)s::inet)
    FROM orders_order
    WHERE (upper(email) = upper(%(email)s) OR network_address = %(address)s::inet)
      AND status = 'PENDING' AND id <> ALL(%(besides)s::bigint[])
      AND (SELECT status FROM payments_payment WHERE order_id = orders_order.id) = 'PENDING'
"""


def require_few_open_orders(placement: Placement, *, besides: Sequence[Order]) -> None:
    """Raise TooManyOpenOrders when one more is one too many; `besides` are those that give way.

    Exact for an email address, whose placements follow one another (see `email_lock`); those of a
    network address do not wait for each other, so that a few more may slip through at once.
    """
    if not settings.RATE_LIMITS:
        return
    values = {
        "email": placement.contact.email,
        "address": placement.network_address,
        "besides": [order.pk for order in besides],
    }
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_ORDERS, values)
        of_email, of_address = cursor.fetchone()
    if of_email >= OPEN_ORDERS_OF_ONE_EMAIL:
        raise TooManyOpenOrders("email")
    if of_address >= OPEN_ORDERS_OF_ONE_ADDRESS:
        raise TooManyOpenOrders("address")


def busiest_addresses() -> dict[str, int]:
    """Return the ten network addresses with most unpaid orders, and how many those are."""
    unpaid = Order.objects.filter(status=OrderStatus.PENDING, network_address__isnull=False)
    rows = unpaid.order_by().values_list("network_address").annotate(many=Count("pk"))
    return {str(address): many for address, many in rows.order_by("-many")[:_BUSIEST]}


def email_lock(email: str) -> int:
    """Return the key of the advisory lock that placements for one email address queue behind."""
    digest = hashlib.blake2b(email.casefold().encode(), digest_size=8, person=b"email").digest()
    return int.from_bytes(digest, "big") >> 1
