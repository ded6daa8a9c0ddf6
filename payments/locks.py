"""The locks of a payment's use cases, always in this order: Order → Payment (→ Stock by SKU)."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from orders.models import Order
from payments.models import Payment, PaymentAttempt


@dataclass(frozen=True)
class LockedAttempt:
    """One attempt under the locks of its order and payment; who acts on it, and when."""

    order: Order
    payment: Payment
    attempt: PaymentAttempt
    by: str
    at: datetime


def lock_order(order_id: int) -> tuple[Order, Payment]:
    """Lock an order, then its payment, and return both as they are now."""
    return _lock(Q(pk=order_id))


def lock_attempt(attempt_id: int, *, by: str) -> LockedAttempt:
    """Lock the order and the payment of an attempt; the payment's lock guards the attempt."""
    order, payment = _lock(Q(payment__attempts=attempt_id))
    attempt = PaymentAttempt.objects.get(pk=attempt_id)
    attempt.payment = payment
    return LockedAttempt(order, payment, attempt, by, timezone.now())


def _lock(condition: Q) -> tuple[Order, Payment]:
    order = Order.objects.locked().get(condition)
    payment = Payment.objects.locked().get(order=order)
    payment.order = order
    return order, payment
