"""Telling staff that something needs a person."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.urls import reverse

from notifications.outbox import record_event
from orders.flags import Flag
from orders.models import Order


def call_staff(
    order: Order, flag: Flag, *, amount: Decimal | None = None, currency: str = "", detail: str = ""
) -> None:
    """Flag the order and tell staff, in the transaction that holds its lock.

    Each call tells them once; it is for the caller to know what is news.
    """
    order.raise_flag(flag)
    page = reverse("admin:orders_order_change", args=[order.pk])
    money = None if amount is None else {"amount": str(amount), "currency": currency}
    _record(flag.value, order.number, page, money, detail, {"order": {"number": order.number}})


def tell_staff(what: str, *, subject: str, page: str, detail: str = "") -> None:
    """Tell staff of something that belongs to no order. Joins the caller's transaction."""
    _record(what, subject, page, None, detail, {})


def _record(
    what: str,
    subject: str,
    page: str,
    money: dict[str, str] | None,
    detail: str,
    about: dict[str, Any],
) -> None:
    case = {
        "what": what,
        "subject": subject,
        "money": money,
        "detail": detail,
        "url": settings.SHOP_URL + page,
    }
    record_event(
        type="staff.attention",
        subject=subject,
        customer=None,
        body={"attention": {"cases": [case]}, **about},
        personal={},
    )
