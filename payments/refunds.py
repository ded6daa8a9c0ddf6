"""Money going back: the wish is a row first, then a call that may be repeated, then its record.

RefundRefused
├── CapturePending  PayPal still reviews the money: it cannot go back yet
├── NothingLeft     all of it is refunded, or on its way
├── RefundTooLarge  more than is left
└── NoAmount        not a sum that this currency has
"""

import logging
import uuid
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from orders.attention import call_staff
from orders.events import record_order_event
from orders.flags import Flag
from orders.models import Order
from payments.gateway import GatewayError, Refused, RemoteRefund, Unanswered
from payments.lifecycle import CaptureStatus, PaymentStatus, RefundStatus
from payments.locks import lock_order
from payments.models import Capture, Payment, Refund
from payments.money import to_paypal
from payments.paypal import gateway

logger = logging.getLogger(__name__)

REVERSED = "reversed"
_MADE_AT_PAYPAL = "made at PayPal"
_REFUNDABLE = frozenset(
    {CaptureStatus.COMPLETED, CaptureStatus.PARTIALLY_REFUNDED, CaptureStatus.REFUNDED}
)
_ENDED = frozenset({RefundStatus.COMPLETED, *RefundStatus.without_money()})
_FOLLOWED_AFTER = timedelta(minutes=1)


class RefundRefused(Exception):
    """Nothing was requested; the message says why."""


class CapturePending(RefundRefused):
    """PayPal still reviews the money."""


class NothingLeft(RefundRefused):
    """No money of this payment is left to go back."""


class RefundTooLarge(RefundRefused):
    """More than is left."""

    def __init__(self, left: Decimal, currency: str) -> None:
        self.left = left
        super().__init__(f"Only {left} {currency} is left to refund.")


class NoAmount(RefundRefused):
    """Nothing, less than nothing, or a fraction that the currency does not have."""


def refund_payment(
    *, order_id: int, amount: Decimal | None, reason: str, by: str, request_id: uuid.UUID
) -> None:
    """Refund so much of what paid the order, or all that is left; sent to PayPal at once.

    The same request id, as from a second click, finds its refund. Where PayPal does not answer,
    the clock goes on. Owns its transactions. Raises RefundRefused.
    """
    refund = _request(order_id, amount, reason, by, request_id)
    send_at_once(refund, by=by)


@transaction.atomic(durable=True)
def _request(
    order_id: int, amount: Decimal | None, reason: str, by: str, request_id: uuid.UUID
) -> Refund:
    _, payment = lock_order(order_id)
    known = Refund.objects.filter(request_id=request_id, capture__payment=payment).first()
    if known is not None:
        return known
    capture = payment.captures.filter(is_settling=True).first()
    if capture is not None and capture.status == CaptureStatus.PENDING:
        raise CapturePending("PayPal is reviewing this money: it can be refunded afterwards.")
    left = left_to_refund(capture)
    if capture is None or left <= 0:
        raise NothingLeft("Nothing is left to refund.")
    wanted = left if amount is None else _checked(amount, capture.currency)
    if wanted > left:
        raise RefundTooLarge(left, capture.currency)
    return request_refund(
        capture, amount=wanted, reason=reason, by=by, at=timezone.now(), request_id=request_id
    )


def left_to_refund(capture: Capture | None) -> Decimal:
    """Return what neither went back nor is asked to. The payment's lock makes it lasting."""
    if capture is None or capture.status not in _REFUNDABLE:
        return Decimal(0)
    return capture.amount - capture.refunds.going_back().total()


def request_refund(
    capture: Capture,
    *,
    amount: Decimal,
    reason: str,
    by: str,
    at: datetime,
    request_id: uuid.UUID | None = None,
    covered_by: uuid.UUID | None = None,
) -> Refund:
    """Insert the wish in the caller's transaction, which holds the payment's lock."""
    return capture.refunds.create(
        request_id=request_id or uuid.uuid4(),
        amount=amount,
        currency=capture.currency,
        reason=reason[:60],
        by=by,
        covered_by=covered_by,
        requested_at=at,
        ask_at=at,
    )


def send_at_once(refund: Refund, *, by: str) -> None:
    """Send a refund just committed; if PayPal does not answer, the clock sends it again."""
    try:
        follow_refund(refund.pk, by=by)
    except GatewayError as error:
        logger.warning("Refund %s is left to the clock: %s", refund.pk, error)


def follow_refund(refund_id: int, *, by: str) -> None:
    """Send a refund that PayPal has not taken yet, ask about one that it has not ended yet.

    Safe to repeat. Raises GatewayError.
    """
    refund = Refund.objects.select_related("capture").get(pk=refund_id)
    if refund.status in _ENDED:
        return
    try:
        remote = (
            _send(refund) if refund.paypal_id is None else gateway().get_refund(refund.paypal_id)
        )
    except Refused as error:
        if refund.paypal_id is not None:
            raise
        _record_refusal(refund, error.issue)
        return
    if (remote.amount, remote.currency) != (refund.amount, refund.currency):
        raise Unanswered("PayPal's answer is about another sum.")
    record_refund(refund.capture, remote, by=by)


def _send(refund: Refund) -> RemoteRefund:
    if refund.request_id is None:
        raise RuntimeError(f"Refund {refund.pk} was made at PayPal: it is not ours to send.")
    return gateway().refund_capture(
        refund.capture.paypal_id,
        amount=refund.amount,
        currency=refund.currency,
        request_id=refund.request_id,
    )


@transaction.atomic(durable=True)
def _record_refusal(refund: Refund, issue: str) -> None:
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
    if refund.status not in _ENDED:
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


def _checked(amount: Decimal, currency: str) -> Decimal:
    if not amount.is_finite() or amount <= 0:
        raise NoAmount("A refund is more than nothing.")
    try:
        to_paypal(amount, currency)
    except ValueError as error:
        raise NoAmount(str(error)) from error
    return amount
