"""What PayPal took, recorded exactly once: it settles the payment, or it is given back."""

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction

from inventory import holds
from lifecycles.statements import write
from orders.attention import call_staff
from orders.events import record_order_event
from orders.flags import Flag
from orders.lifecycle import FailureReason, OrderStatus
from payments.cancelling import cancel_paid
from payments.endings import fail_order, record_refusal
from payments.gateway import RemoteCapture
from payments.lifecycle import AttemptStatus, CaptureStatus, PaymentStatus
from payments.locks import LockedAttempt, lock_attempt
from payments.models import Capture, Refund
from payments.refunds import STRAY, request_refund

# These end the order; after any other refusal the customer may try again.
FINAL_ISSUES = frozenset({"TRANSACTION_REFUSED", "PAYER_CANNOT_PAY"})
# Then the clock first compares what was captured with what PayPal says of it.
FIRST_COMPARED_AFTER = timedelta(hours=1)
_NO_MONEY = CaptureStatus.without_money()
_GONE_BACK = frozenset({CaptureStatus.PARTIALLY_REFUNDED.value, CaptureStatus.REFUNDED.value})
_UNSETTLED = frozenset({PaymentStatus.PENDING.value, PaymentStatus.CAPTURING.value})


@transaction.atomic(durable=True)
def record_captures(attempt_id: int, captures: Sequence[RemoteCapture], *, by: str) -> None:
    """Record what PayPal took on one attempt; what is known already changes nothing."""
    case = lock_attempt(attempt_id, by=by)
    for remote in captures:
        _record(case, remote)


@transaction.atomic(durable=True)
def record_refused_capture(attempt_id: int, issue: str, *, by: str) -> None:
    """Record a definite refusal: the end of the order, or of this attempt alone."""
    _refuse(lock_attempt(attempt_id, by=by), issue)


def _record(case: LockedAttempt, remote: RemoteCapture) -> None:
    """Record one capture if it tells anything new.

    PENDING is where a capture begins: said of a known one, it is an answer that came late.
    """
    capture = _known(case, remote)
    if capture is None:
        capture = _new(case, remote)
    elif remote.status in {capture.status, CaptureStatus.PENDING}:
        return
    capture.status = remote.status
    _follow(case, capture)


def _known(case: LockedAttempt, remote: RemoteCapture) -> Capture | None:
    """Look the capture up, unless it must be new.

    Whatever is recorded of an attempt closes it or moves the payment on.
    """
    if case.attempt.status == AttemptStatus.OPEN and case.payment.status in _UNSETTLED:
        return None
    return Capture.objects.filter(paypal_id=remote.id).first()


def _new(case: LockedAttempt, remote: RemoteCapture) -> Capture:
    """Return a row that is not stored yet: it is, together with what follows from it."""
    return Capture(
        payment=case.payment,
        attempt=case.attempt,
        paypal_id=remote.id,
        status=remote.status,
        amount=remote.amount,
        currency=remote.currency,
        recorded_at=case.at,
        ask_at=None if remote.status in _NO_MONEY else case.at + FIRST_COMPARED_AFTER,
    )


def _follow(case: LockedAttempt, capture: Capture) -> None:
    """Do what a new capture, or the new status of a known one, asks for."""
    if capture.status in _NO_MONEY:
        capture.save()
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
    if payment.status == PaymentStatus.PENDING and not _secures_stock(case):
        return False
    capture.is_settling = True
    return True


def _secures_stock(case: LockedAttempt) -> bool:
    """Make sure of the stock for money that came without our asking: CAPTURING has it already."""
    order, payment, by, at = case.order, case.payment, case.by, case.at
    until = min(at + settings.ORDER_HOLD, order.expires_at)
    try:
        holds.secure(reference=order.transaction_id, until=until, by=by, at=at)
    except holds.ShortOfStock as short:
        fail_order(order, payment, FailureReason.SOLD_OUT, by=by, at=at)
        shortage = {"skus": [one.sku for one in short.shortages]}
        # Nobody is told "you were not charged".
        record_order_event(order, "order.sold_out", notify=False, shortage=shortage)
        return False
    payment.move_to(PaymentStatus.CAPTURING, reason="captured at PayPal", by=by, at=at)
    return True


def _settle(case: LockedAttempt, capture: Capture) -> None:
    """Let the settling capture's status move payment, order and stock together.

    A status that is not known to mean money waits as a review does, until PayPal says more.
    """
    if case.order.status != OrderStatus.PENDING:
        capture.save()
        _look_for_refunds(case, capture)
    elif capture.status == CaptureStatus.COMPLETED or capture.status in _GONE_BACK:
        _succeed(case, capture)
    elif case.payment.status == PaymentStatus.REVIEW:
        capture.save()
    else:
        steps = case.payment.steps_to(
            PaymentStatus.REVIEW, reason=capture.status, by=case.by, at=case.at
        )
        write(capture.to_write(), *steps)
        record_order_event(case.order, "order.payment_review")


def _succeed(case: LockedAttempt, capture: Capture) -> None:
    order, payment, by, at = case.order, case.payment, case.by, case.at
    write(
        capture.to_write(),
        *payment.steps_to(PaymentStatus.SUCCESS, by=by, at=at),
        *order.steps_to(OrderStatus.SUCCESS, by=by, at=at),
        case.attempt.steps_to_close(issue="", at=at),
    )
    holds.sell(reference=order.transaction_id, by=by, at=at)
    is_wanted = not order.cancelled_by
    record_order_event(order, "order.confirmed", notify=is_wanted)
    if capture.status in _GONE_BACK:
        _look_for_refunds(case, capture)
    if not is_wanted:
        cancel_paid(order, payment, at=at)


def _look_for_refunds(case: LockedAttempt, capture: Capture) -> None:
    """Tell staff of money that went back without a refund known here; the clock finds which."""
    known = Refund.objects.filter(capture__paypal_id=capture.paypal_id).completed().total()
    is_explained = known == capture.amount or (
        known > 0 and capture.status == CaptureStatus.PARTIALLY_REFUNDED
    )
    if capture.status in _GONE_BACK and not is_explained:
        call_staff(case.order, Flag.REFUNDED, amount=capture.amount, currency=capture.currency)
        Capture.objects.filter(paypal_id=capture.paypal_id).update(ask_at=case.at)


def _give_back(case: LockedAttempt, capture: Capture) -> None:
    """Stray money: tell staff once, and refund what PayPal has in hand."""
    is_news = capture.pk is None
    capture.save()
    if capture.refunds.going_back().total() >= capture.amount:
        return
    if is_news:
        call_staff(case.order, Flag.STRAY_MONEY, amount=capture.amount, currency=capture.currency)
    if capture.status == CaptureStatus.COMPLETED and not capture.refunds.exists():
        request_refund(capture, amount=capture.amount, reason=STRAY, by=case.by, at=case.at)
    elif capture.status in _GONE_BACK:
        capture.ask_at = case.at
        capture.save(update_fields=["ask_at"])


def _refuse_review(case: LockedAttempt) -> None:
    if case.payment.status != PaymentStatus.REVIEW:
        return
    fail_order(case.order, case.payment, FailureReason.DECLINED, by=case.by, at=case.at)
    record_refusal(
        case.order, case.payment, reason=FailureReason.DECLINED, issue="DECLINED", final=True
    )


def _refuse(case: LockedAttempt, issue: str) -> None:
    order, payment, attempt, at = case.order, case.payment, case.attempt, case.at
    if payment.status not in _UNSETTLED or attempt.status == AttemptStatus.CLOSED:
        return
    was_told = payment.attempts.exclude(issue="").exists()
    attempt.close(issue=issue, at=at)
    if issue in FINAL_ISSUES:
        fail_order(order, payment, FailureReason.DECLINED, by=case.by, at=at)
        record_refusal(order, payment, reason=FailureReason.DECLINED, issue=issue, final=True)
        return
    payment.move_to(PaymentStatus.PENDING, reason=issue, by=case.by, at=at)
    until = min(at + settings.ORDER_HOLD, order.expires_at)
    holds.extend(reference=order.transaction_id, until=until)
    record_refusal(
        order,
        payment,
        reason=FailureReason.DECLINED,
        issue=issue,
        final=False,
        notify=not was_told,
    )
