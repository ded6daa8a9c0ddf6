"""Orders as other apps record them, and the emails that came of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from notifications.models import EmailDelivery, Event
from notifications.outbox import Recipient, record_event

MAI = Recipient(email="mai@example.com", name="Mai Nguyễn", locale="en")


def order_body(number: str, **extra: Any) -> dict[str, Any]:
    """Return what is not personal of an order with one line."""
    return {
        "order": {
            "number": number,
            "transaction_id": "3f0c",
            "status": "SUCCESS",
            "reason": "",
            "placed_at": "2026-01-02T03:04:05+00:00",
            "locale": "en",
            "currency": "USD",
        },
        "lines": [
            {
                "sku": "COFFEE-500",
                "name": "Đà Lạt coffee",
                "variant": "500 g",
                "quantity": 2,
                "unit_price": "12.00",
                "total": "24.00",
                "picture": None,
                "url": "http://127.0.0.1:8000/products/da-lat-coffee/",
            }
        ],
        "totals": {
            "items": "24.00",
            "delivery": "3.50",
            "delivery_name": "Standard",
            "total": "27.50",
            "currency": "USD",
        },
        **extra,
    }


def order_personal(number: str, customer: Recipient = MAI) -> dict[str, Any]:
    return {
        "customer": {
            "email": customer.email,
            "name": customer.name,
            "phone": "",
            "address": {
                "line1": "12 Hàng Bạc",
                "line2": "",
                "city": "Hà Nội",
                "postal_code": "100000",
                "country": "VN",
            },
        },
        "links": {
            "order": f"http://127.0.0.1:8000/orders/{number}/token/",
            "shop": "http://127.0.0.1:8000/",
        },
    }


def record(
    number: str = "G-1",
    *,
    event_type: str = "order.confirmed",
    customer: Recipient = MAI,
    valid_until: datetime | None = None,
    covered_by: UUID | None = None,
    notify: bool = True,
    **extra: Any,
) -> Event:
    """Record an order's event as a caller does."""
    with transaction.atomic():
        return record_event(
            type=event_type,
            subject=number,
            customer=customer,
            body=order_body(number, **extra),
            personal=order_personal(number, customer),
            valid_until=valid_until,
            covered_by=covered_by,
            notify=notify,
        )


DECLINED: dict[str, Any] = {
    "payment": {"final": False, "issue": "INSTRUMENT_DECLINED", "reason": "declined"}
}


def delivery_of(event: Event) -> EmailDelivery:
    """Return the one email of an event."""
    return EmailDelivery.objects.get(event_id=event.pk)
