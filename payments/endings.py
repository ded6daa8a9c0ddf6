"""How an order ends without money: refused, cancelled, expired. The hold's end is here too.

While the payment is not PENDING nothing here touches the order.
"""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from inventory import holds
from orders.events import record_order_event
from orders.lifecycle import FailureReason, OrderStatus
from orders.models import Order
from orders.restraint import may_write_about_unpaid
from payments.lifecycle import AttemptStatus, CaptureStatus, PaymentStatus
from payments.locks import lock_order
from payments.models import Payment


class CannotCancel(Exception):
    """The order cannot be cancelled by its customer at this moment."""


class PaymentInProgress(CannotCancel):
    """PayPal is confirming the payment; nothing else may touch the order meanwhile."""


class AlreadyShipped(CannotCancel):
    """The parcel is on its way."""


def fail_order(
    order: Order, payment: Payment, reason: FailureReason, *, by: str, at: datetime
) -> None:
    """End order and payment without money: attempt closed, stock given back.

    The caller holds both locks, owns the transaction and records the event.
    """
    _end(order, payment, reason, by=by, at=at)
    holds.release(reference=order.transaction_id, by=by, at=at)


def _end(order: Order, payment: Payment, reason: FailureReason, *, by: str, at: datetime) -> None:
    order.move_to(OrderStatus.FAILED, reason=reason, by=by, at=at)
    payment.move_to(PaymentStatus.FAILED, reason=reason, by=by, at=at)
    for attempt in payment.attempts.filter(status=AttemptStatus.OPEN):
        attempt.close(issue="", at=at)


def supersede_order(order: Order, payment: Payment, *, gives_up_key: bool, at: datetime) -> None:
    """End an unpaid order for its successor from the same cart; nobody is mailed.

    The caller holds both locks and the transaction, and takes over the stock.
    """
    if gives_up_key:
        order.give_up_key(by="customer", at=at)
    _end(order, payment, FailureReason.SUPERSEDED, by="customer", at=at)
    record_order_event(order, "order.superseded")


def was_never_charged(payment: Payment) -> bool:
    """Say whether an email may tell that nothing was charged.

    Where money has moved, even if it went back, `payment.refunded` tells of it instead.
    """
    return not payment.captures.exclude(status__in=CaptureStatus.without_money()).exists()


def record_refusal(
    order: Order,
    payment: Payment,
    *,
    reason: FailureReason,
    issue: str | None,
    final: bool,
    notify: bool = True,
) -> None:
    """Record `order.payment_failed`; `issue` is PayPal's word, if PayPal refused."""
    record_order_event(
        order,
        "order.payment_failed",
        notify=notify and was_never_charged(payment),
        payment={"final": final, "issue": issue, "reason": reason.value},
    )


def record_expiry(order: Order, payment: Payment) -> None:
    """Record `order.expired`, with the way to put its items back in the cart."""
    notify = was_never_charged(payment) and may_write_about_unpaid(order)
    record_order_event(order, "order.expired", notify=notify)


@transaction.atomic(durable=True)
def cancel_by_customer(*, order_id: int) -> None:
    """End an unpaid order at its customer's wish; note the wish when it is paid, not shipped.

    An order already ended stays as it is. Raises CannotCancel.
    """
    order, payment = lock_order(order_id)
    now = timezone.now()
    match order.status:
        case OrderStatus.PENDING if payment.status != PaymentStatus.PENDING:
            raise PaymentInProgress(order.number)
        case OrderStatus.PENDING:
            fail_order(order, payment, FailureReason.CANCELLED, by="customer", at=now)
            record_refusal(order, payment, reason=FailureReason.CANCELLED, issue=None, final=True)
        case OrderStatus.SUCCESS:
            order.cancel_wished_at = order.cancel_wished_at or now
            order.save(update_fields=["cancel_wished_at"])
        case OrderStatus.SHIPPED | OrderStatus.DELIVERED:
            raise AlreadyShipped(order.number)


@transaction.atomic(durable=True)
def expire_order(order_id: int) -> None:
    """End an order whose time is over, unless its payment is past PENDING."""
    order, payment = lock_order(order_id)
    now = timezone.now()
    if payment.status != PaymentStatus.PENDING or order.expires_at > now:
        return
    last = payment.attempts.last()
    was_refused = last is not None and last.status == AttemptStatus.CLOSED and last.issue
    reason = FailureReason.DECLINED if was_refused else FailureReason.EXPIRED
    fail_order(order, payment, reason, by="clock", at=now)
    record_expiry(order, payment)


@transaction.atomic(durable=True)
def release_ended_hold(order_id: int) -> None:
    """Give the stock of an unpaid order back when its hold has ended; it can be won back."""
    order, payment = lock_order(order_id)
    now = timezone.now()
    if payment.status == PaymentStatus.PENDING and holds.has_ended(order.transaction_id, now):
        holds.release(reference=order.transaction_id, by="clock", at=now)
