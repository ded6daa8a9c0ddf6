"""Where a refund stands, recorded exactly once: made by us, or at PayPal."""

import uuid
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from orders.attention import call_staff
from orders.events import record_order_event
from orders.flags import Flag
from orders.models import Order
from payments.gateway import RemoteRefund
from payments.lifecycle import PaymentStatus, RefundStatus
from payments.locks import lock_order
from payments.models import Capture, Payment, Refund

REVERSED = "reversed"
ENDED = frozenset({RefundStatus.COMPLETED, *RefundStatus.without_money()})
_MADE_AT_PAYPAL = "made at PayPal"
_FOLLOWED_AFTER = timedelta(minutes=1)


@transaction.atomic(durable=True)
def record_refused_refund(refund: Refund, issue: str) -> None:
    """End a refund that PayPal refused: its amount is free, and the clock compares the capture."""
    order, _ = lock_order(Payment.objects.get(captures=refund.capture).order_id)
    refund.refresh_from_db()
    if refund.status == RefundStatus.REQUESTED:
        refund.issue = issue
        Capture.objects.filter(pk=refund.capture_id).update(ask_at=timezone.now())
        _end_without_money(order, refund, RefundStatus.FAILED)


@transaction.atomic(durable=True)
def record_refund(
    capture: Capture, remote: RemoteRefund, *, by: str, reason: str = _MADE_AT_PAYPAL
) -> bool:
    """Record where a refund stands. Of one that is not ours staff are told: then return True.

    `reason` is for one not known yet. What is known already changes nothing.
    """
    order, payment = lock_order(Payment.objects.get(captures=capture).order_id)
    known = _find(capture, remote)
    refund = known or _adopt(order, capture, remote, reason)
    if refund.status not in ENDED:
        _move(order, payment, refund, remote, by=by)
    return known is None


def _move(order: Order, payment: Payment, refund: Refund, remote: RemoteRefund, *, by: str) -> None:
    refund.paypal_id = remote.id
    if remote.status == RefundStatus.COMPLETED:
        _complete(order, payment, refund, by=by)
    elif remote.status in RefundStatus.without_money():
        _end_without_money(order, refund, remote.status)
    else:
        refund.status = remote.status
        refund.ask_at = refund.ask_at or timezone.now() + _FOLLOWED_AFTER
        refund.save()


def _find(capture: Capture, remote: RemoteRefund) -> Refund | None:
    """Find the refund by PayPal's id, or by our request id where the answer to it was lost."""
    known = capture.refunds.filter(paypal_id=remote.id).first()
    if known is not None:
        return known
    try:
        return capture.refunds.filter(request_id=uuid.UUID(remote.request_id)).first()
    except ValueError:
        return None


def _adopt(order: Order, capture: Capture, remote: RemoteRefund, reason: str) -> Refund:
    """Insert a refund that was not made by us."""
    call_staff(
        order,
        Flag.REVERSED if reason == REVERSED else Flag.REFUNDED,
        amount=remote.amount,
        currency=remote.currency,
    )
    return capture.refunds.create(
        paypal_id=remote.id,
        amount=remote.amount,
        currency=remote.currency,
        reason=reason,
        by="PayPal",
        requested_at=timezone.now(),
    )


def _complete(order: Order, payment: Payment, refund: Refund, *, by: str) -> None:
    refund.status, refund.ask_at = RefundStatus.COMPLETED, None
    refund.save()
    capture = refund.capture
    if capture.is_settling:
        is_all = capture.refunds.completed().total() >= payment.amount
        status = PaymentStatus.REFUNDED if is_all else PaymentStatus.PARTIALLY_REFUNDED
        payment.move_to(status, by=by, at=timezone.now(), reason=refund.reason)
    record_order_event(
        order,
        "payment.refunded",
        notify=refund.reason != REVERSED,  # their bank tells them
        covered_by=refund.covered_by,
        refund={
            "amount": str(refund.amount),
            "currency": refund.currency,
            "reason": refund.reason,
        },
    )


def _end_without_money(order: Order, refund: Refund, status: str) -> None:
    refund.status, refund.ask_at = status, None
    refund.save()
    call_staff(
        order,
        Flag.REFUND_FAILED,
        amount=refund.amount,
        currency=refund.currency,
        detail=refund.issue,
    )
