"""What PayPal took, recorded exactly once: it settles the payment, or it is given back."""

from collections.abc import Sequence

from django.conf import settings
from django.db import transaction

from inventory import holds
from orders.events import record_order_event
from orders.lifecycle import FailureReason, OrderStatus
from orders.models import Order
from payments.endings import fail_order, record_refusal
from payments.gateway import RemoteCapture
from payments.lifecycle import AttemptStatus, CaptureStatus, PaymentStatus
from payments.locks import LockedAttempt, lock_attempt
from payments.models import Capture
from payments.refunds import request_refund

# These end the order; after any other refusal the customer may try again.
FINAL_ISSUES = frozenset({"TRANSACTION_REFUSED", "PAYER_CANNOT_PAY"})
_NO_MONEY = frozenset({CaptureStatus.DECLINED.value, CaptureStatus.FAILED.value})
_GONE_BACK = frozenset({CaptureStatus.PARTIALLY_REFUNDED.value, CaptureStatus.REFUNDED.value})
_UNSETTLED = frozenset({PaymentStatus.PENDING.value, PaymentStatus.CAPTURING.value})


@transaction.atomic(durable=True)
def record_captures(attempt_id: int, captures: Sequence[RemoteCapture], *, by: str) -> None:
    """Record what PayPal took on one attempt; what is known already changes nothing."""
    case = lock_attempt(attempt_id, by=by)
    for remote in captures:
        capture = _store(case, remote)
        if capture is not None:
            _follow(case, capture)


@transaction.atomic(durable=True)
def record_refused_capture(attempt_id: int, issue: str, *, by: str) -> None:
    """Record a definite refusal: the end of the order, or of this attempt alone."""
    _refuse(lock_attempt(attempt_id, by=by), issue)


def _store(case: LockedAttempt, remote: RemoteCapture) -> Capture | None:
    """Insert or update the row; return it if it tells anything new.

    PENDING is where a capture begins: said of a known one, it is an answer that came late.
    """
    capture, is_new = Capture.objects.get_or_create(
        paypal_id=remote.id,
        defaults={
            "payment": case.payment,
            "attempt": case.attempt,
            "status": remote.status,
            "amount": remote.amount,
            "currency": remote.currency,
            "recorded_at": case.at,
        },
    )
    if is_new:
        return capture
    if remote.status in {capture.status, CaptureStatus.PENDING}:
        return None
    capture.status = remote.status
    capture.save(update_fields=["status"])
    return capture


def _follow(case: LockedAttempt, capture: Capture) -> None:
    """Do what a new capture, or the new status of a known one, asks for."""
    if capture.status in _NO_MONEY:
        if capture.is_settling:
            _refuse_review(case)
        else:
            _refuse(case, "DECLINED")
    elif capture.is_settling or _begins_to_settle(case, capture):
        _settle(case, capture)
    else:
        _give_back(case, capture)


def _begins_to_settle(case: LockedAttempt, capture: Capture) -> bool:
    """Decide whether this money pays the order; where it cannot, end the order accordingly."""
    order, payment, by, at = case.order, case.payment, case.by, case.at
    if payment.status not in _UNSETTLED or case.attempt.status == AttemptStatus.CLOSED:
        return False
    if (capture.amount, capture.currency) != (payment.amount, payment.currency):
        fail_order(order, payment, FailureReason.PAYMENT_MISMATCH, by=by, at=at)
        record_order_event(order, "order.payment_mismatch")
        return False
    until = min(at + settings.ORDER_HOLD, order.expires_at)
    try:
        holds.secure(reference=order.transaction_id, until=until, by=by, at=at)
    except holds.ShortOfStock:
        fail_order(order, payment, FailureReason.SOLD_OUT, by=by, at=at)
        record_order_event(order, "order.sold_out", notify=False)  # not "you were not charged"
        return False
    payment.move_to(PaymentStatus.CAPTURING, reason="captured at PayPal", by=by, at=at)
    capture.is_settling = True
    capture.save(update_fields=["is_settling"])
    return True


def _settle(case: LockedAttempt, capture: Capture) -> None:
    """Let the settling capture's status move payment, order and stock together.

    A status that is not known to mean money waits as a review does, until PayPal says more.
    """
    order, payment, by, at = case.order, case.payment, case.by, case.at
    if order.status != OrderStatus.PENDING:
        return
    if capture.status == CaptureStatus.COMPLETED or capture.status in _GONE_BACK:
        payment.move_to(PaymentStatus.SUCCESS, by=by, at=at)
        order.move_to(OrderStatus.SUCCESS, by=by, at=at)
        case.attempt.close(issue="", at=at)
        holds.sell(reference=order.transaction_id, by=by, at=at)
        record_order_event(order, "order.confirmed")
        if capture.status in _GONE_BACK:
            _flag(order, "refunded_at_paypal")
    elif payment.move_to(PaymentStatus.REVIEW, reason=capture.status, by=by, at=at):
        record_order_event(order, "order.payment_review")


def _flag(order: Order, reason: str) -> None:
    order.flag = order.flag or reason
    order.save(update_fields=["flag"])


def _give_back(case: LockedAttempt, capture: Capture) -> None:
    """Stray money: flag the order, and refund what PayPal has in hand."""
    if capture.status in _GONE_BACK:
        return
    _flag(case.order, "stray_money")
    if capture.status == CaptureStatus.COMPLETED and not capture.refunds.exists():
        request_refund(capture, amount=capture.amount, reason="stray", at=case.at)


def _refuse_review(case: LockedAttempt) -> None:
    if case.payment.status != PaymentStatus.REVIEW:
        return
    fail_order(case.order, case.payment, FailureReason.DECLINED, by=case.by, at=case.at)
    record_refusal(case.order, reason=FailureReason.DECLINED, issue="DECLINED", final=True)


def _refuse(case: LockedAttempt, issue: str) -> None:
    order, payment, attempt, at = case.order, case.payment, case.attempt, case.at
    if payment.status not in _UNSETTLED or attempt.status == AttemptStatus.CLOSED:
        return
    was_told = payment.attempts.exclude(issue="").exists()
    attempt.close(issue=issue, at=at)
    if issue in FINAL_ISSUES:
        fail_order(order, payment, FailureReason.DECLINED, by=case.by, at=at)
        record_refusal(order, reason=FailureReason.DECLINED, issue=issue, final=True)
        return
    payment.move_to(PaymentStatus.PENDING, reason=issue, by=case.by, at=at)
    until = min(at + settings.ORDER_HOLD, order.expires_at)
    holds.extend(reference=order.transaction_id, until=until)
    record_refusal(
        order, reason=FailureReason.DECLINED, issue=issue, final=False, notify=not was_told
    )
