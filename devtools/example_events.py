"""Events of orders that nobody placed: for whoever puts load on the pipeline alone."""

from typing import Any

from django.db import transaction

from notifications.models import Event
from notifications.outbox import Recipient, record_event

ADDRESS = "mai@example.com"
_PRICE = "12.00"


def record_receipt(number: str, *, lines: int = 2, locale: str = "en") -> Event:
    """Record `order.confirmed` of an order with so many lines, in a transaction of its own."""
    with transaction.atomic():
        return record_event(
            type="order.confirmed",
            subject=number,
            customer=Recipient(ADDRESS, "Mai Nguyễn", locale),
            body=receipt_body(number, lines=lines),
            personal=receipt_personal(number),
        )


def receipt_body(number: str, *, lines: int = 2) -> dict[str, Any]:
    """Return what is not personal of the receipt."""
    total = f"{12 * lines}.00"
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
        "lines": [_line(index) for index in range(lines)],
        "totals": {
            "items": total,
            "delivery": "3.50",
            "delivery_name": "Standard",
            "total": f"{12 * lines + 3}.50",
            "currency": "USD",
        },
    }


def receipt_personal(number: str) -> dict[str, Any]:
    """Return what forgetting the customer would empty."""
    return {
        "customer": {
            "email": ADDRESS,
            "name": "Mai Nguyễn",
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


def _line(index: int) -> dict[str, Any]:
    return {
        "sku": f"COFFEE-{index}",
        "name": "Đà Lạt coffee",
        "variant": "500 g",
        "quantity": 1,
        "unit_price": _PRICE,
        "total": _PRICE,
        "picture": None,
        "url": "http://127.0.0.1:8000/products/da-lat-coffee/",
    }
