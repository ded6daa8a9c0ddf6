"""Finding an order by its number and address: the link goes to that address, and nowhere else."""

import re

from django.conf import settings
from django.utils.translation import get_language

from notifications.account_emails import AccountEmail, queue_account_email
from notifications.outbox import Recipient
from orders.models import Order

_NO_ORDER = "unknown"  # why an email is not sent
_BESIDE = re.compile(r"[\s#.\-–]+")


def clean_number(typed: str) -> str:
    """Return a number as it is written, however it was read out or copied."""
    return _BESIDE.sub("", typed).upper()[:16]


def send_order_link(*, number: str, email: str) -> None:
    """Mail the link to the order's page, if there is an order of that number and address.

    If there is none the same is read and written: an email that is not to be sent.
    """
    order = Order.objects.filter(number=clean_number(number), email__iexact=email).first()
    address = order.email if order else email
    path = order.get_absolute_url() if order else "/orders/-/------------------------------/"
    queue_account_email(
        AccountEmail.FIND_ORDER,
        to=Recipient(email=address, name="", locale=(get_language() or "en")[:2]),
        links={"action": settings.SHOP_URL + path},
        facts={"number": order.number if order else ""},
        skipped="" if order else _NO_ORDER,
    )
