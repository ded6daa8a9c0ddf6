"""What an order tells the world: the body of its events, complete enough to write an email from."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from notifications.models import Event
from notifications.outbox import Recipient, record_event
from orders.models import Order, OrderLine
from orders.pictures import picture_for_emails

# A parcel leads to where its addressee lives.
_PERSONAL_EXTRA = frozenset({"shipment"})
_CAN_BE_ORDERED_AGAIN = frozenset({"order.expired"})


def record_order_event(
    order: Order,
    type: str,  # noqa: A002  CloudEvents' own word
    *,
    notify: bool = True,
    valid_until: datetime | None = None,
    covered_by: UUID | None = None,
    lines: Iterable[OrderLine] | None = None,
    **extra: Mapping[str, Any],
) -> Event:
    """Record an event of this order in the caller's transaction, which holds the order's lock.

    `lines` are the order's, where the caller has them already. `extra` is what the stage adds,
    JSON-ready. With `notify=False` nobody is mailed.
    """
    leads_to_customer = {name: extra.pop(name) for name in _PERSONAL_EXTRA & extra.keys()}
    return record_event(
        type=type,
        subject=order.number,
        customer=Recipient(email=order.email, name=order.full_name, locale=order.locale),
        body={**_body(order, order.lines.all() if lines is None else lines), **extra},
        personal={**_personal(order, type), **leads_to_customer},
        valid_until=valid_until,
        covered_by=covered_by,
        notify=notify,
    )


def _body(order: Order, lines: Iterable[OrderLine]) -> dict[str, Any]:
    return {
        "order": {
            "number": order.number,
            "transaction_id": str(order.transaction_id),
            "status": order.status,
            "reason": order.reason,
            "placed_at": order.placed_at.isoformat(),
            "locale": order.locale,
            "currency": order.currency,
        },
        "lines": [_line(line) for line in lines],
        "totals": {
            "items": str(order.items_total),
            "delivery": str(order.delivery_price),
            "delivery_name": order.delivery_name,
            "total": str(order.total),
            "currency": order.currency,
        },
    }


def _line(line: OrderLine) -> dict[str, Any]:
    return {
        "sku": line.sku,
        "name": line.name,
        "variant": line.variant_name,
        "quantity": line.quantity,
        "unit_price": str(line.unit_price),
        "total": str(line.total),
        "picture": picture_for_emails(line.picture),
        "url": f"{settings.SHOP_URL}/products/{line.slug}/",
    }


def _personal(order: Order, event_type: str) -> dict[str, Any]:
    return {
        "customer": {
            "email": order.email,
            "name": order.full_name,
            "phone": order.phone,
            "address": {
                "line1": order.line1,
                "line2": order.line2,
                "city": order.city,
                "postal_code": order.postal_code,
                "country": order.country,
            },
        },
        "links": _links(order, event_type),
    }


def _links(order: Order, event_type: str) -> dict[str, str]:
    links = {
        "order": settings.SHOP_URL + order.get_absolute_url(),
        "shop": f"{settings.SHOP_URL}/",
        "admin": settings.SHOP_URL + reverse("admin:orders_order_change", args=[order.pk]),
    }
    if event_type in _CAN_BE_ORDERED_AGAIN:
        links["reorder"] = settings.SHOP_URL + reverse("reorder", args=[order.number, order.token])
    return links
