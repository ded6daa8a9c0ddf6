"""Orders at every station of their way, brought there by the shop's own functions."""

import uuid
from decimal import Decimal
from typing import Any

from django.utils import timezone

from orders.models import Order
from payments.endings import cancel_by_customer
from payments.gateway import RemoteCapture
from payments.models import Payment, PaymentAttempt
from payments.recording import record_captures
from tests.factories import VariantFactory, placed_order


def attempt_at(order: Order, *, number: int = 1) -> PaymentAttempt:
    """Open an attempt as PayPal's answer would have."""
    return PaymentAttempt.objects.create(
        payment=Payment.objects.get(order=order),
        number=number,
        create_request_id=uuid.uuid4(),
        paypal_order_id=f"PAYPAL-{order.number}-{number}",
        opened_at=timezone.now(),
    )


def captured(attempt: PaymentAttempt, amount: Decimal, *, status: str = "COMPLETED") -> None:
    """Record money that PayPal took on an attempt."""
    capture = RemoteCapture(
        id=f"CAPTURE-{uuid.uuid4().hex[:8]}",
        status=status,
        amount=amount,
        currency=attempt.payment.currency,
    )
    record_captures(attempt.pk, [capture], by="webhook")


def paid_order(**changes: Any) -> Order:
    """Return an order that is paid, its stock deducted."""
    order = placed_order((VariantFactory.create(), 2), **changes)
    captured(attempt_at(order), order.total)
    order.refresh_from_db()
    return order


def shop_in_use() -> None:
    """Make orders unpaid, paid, in review, cancelled, superseded, and one paid twice."""
    placed_order()
    attempt = attempt_at(paid_order(), number=2)
    captured(attempt, Decimal("3.00"))
    reviewed = placed_order()
    captured(attempt_at(reviewed), reviewed.total, status="PENDING")
    cancel_by_customer(order_id=placed_order().pk)
    cart_id = uuid.uuid4()
    for _ in range(2):
        placed_order(cart_id=cart_id)
