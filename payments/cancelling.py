"""Cancelling by the shop: what is unpaid fails, what is paid is refunded and put back."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from inventory import holds
from orders.events import record_order_event
from orders.lifecycle import FailureReason, OrderStatus
from orders.models import Order
from payments.endings import AlreadyShipped, PaymentInProgress, fail_order, was_never_charged
from payments.lifecycle import PaymentStatus
from payments.locks import lock_order
from payments.models import Payment, Refund
from payments.refunds import left_to_refund, request_refund, send_at_once

_FOR_CANCELLING = "cancelled"


def cancel_by_shop(*, order_id: int, reason: str, by: str) -> bool:
    """Cancel an order that has not been shipped, whatever its payment; twice is once.

    Under review the wish is kept, and comes true when PayPal is done. The refund is sent at
    once; where PayPal does not answer, the clock goes on. Returns whether the order had not ended
    already. Owns its transactions. Raises CannotCancel.
    """
    is_news, refund = _cancel(order_id, reason, by)
    if refund is not None:
        send_at_once(refund, by=by)
    return is_news


@transaction.atomic(durable=True)
def _cancel(order_id: int, reason: str, by: str) -> tuple[bool, Refund | None]:
    order, payment = lock_order(order_id)
    if payment.status == PaymentStatus.CAPTURING:
        raise PaymentInProgress(order.number)
    if order.status in {OrderStatus.SHIPPED, OrderStatus.DELIVERED}:
        raise AlreadyShipped(order.number)
    if order.status in {OrderStatus.FAILED, OrderStatus.CANCELLED}:
        return False, None
    order.cancel_reason, order.cancelled_by = reason[:200], by
    order.save(update_fields=["cancel_reason", "cancelled_by"])
    if payment.status == PaymentStatus.PENDING:
        _fail(order, payment)
    elif payment.status != PaymentStatus.REVIEW:
        return True, cancel_paid(order, payment, at=timezone.now())
    return True, None


def _fail(order: Order, payment: Payment) -> None:
    reason = FailureReason.CANCELLED_BY_SHOP
    fail_order(order, payment, reason, by=order.cancelled_by, at=timezone.now())
    told = {"reason": order.cancel_reason, "refund": None}
    notify = was_never_charged(payment)  # the email would say so
    record_order_event(order, "order.cancelled", notify=notify, cancellation=told)


def cancel_paid(order: Order, payment: Payment, *, at: datetime) -> Refund | None:
    """Take a paid order back: stock returned, all that is left of the money to be refunded.

    The caller holds both locks and the transaction. Records `order.cancelled`, which tells of the
    refund, too.
    """
    by = order.cancelled_by
    order.move_to(OrderStatus.CANCELLED, by=by, at=at)
    holds.put_back(reference=order.transaction_id, by=by, at=at)
    capture = payment.captures.get(is_settling=True)
    left = left_to_refund(capture)
    money = {"amount": str(left), "currency": capture.currency} if left > 0 else None
    told = {"reason": order.cancel_reason, "refund": money}
    event = record_order_event(order, "order.cancelled", cancellation=told)
    if left <= 0:
        return None
    return request_refund(
        capture, amount=left, reason=_FOR_CANCELLING, by=by, at=at, covered_by=event.pk
    )
