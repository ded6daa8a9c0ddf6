"""The locks of a payment's use cases, always in this order: Order → Payment (→ Stock by SKU).

One statement locks a row of each. PostgreSQL takes the rows of one joined row in the order of the
clause `OF`, which is the order of `of=`; it then reads them again as they are now. A row that is
joined but not named there would be read as it was before the wait, so the attempt is named, too.
"""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from notifications.tracing import name_in_log
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
    payments = Payment.objects.select_related("order")
    payment = payments.select_for_update(of=("order", "self"), no_key=True).get(order=order_id)
    _name_in_log(payment.order)
    return payment.order, payment


def lock_attempt(attempt_id: int, *, by: str) -> LockedAttempt:
    """Lock the order and the payment of an attempt, then the attempt itself."""
    attempts = PaymentAttempt.objects.select_related("payment__order")
    in_order = ("payment__order", "payment", "self")
    attempt = attempts.select_for_update(of=in_order, no_key=True).get(pk=attempt_id)
    payment = attempt.payment
    _name_in_log(payment.order)
    return LockedAttempt(payment.order, payment, attempt, by, timezone.now())


def _name_in_log(order: Order) -> None:
    name_in_log(order=order.number, transaction_id=order.transaction_id)
