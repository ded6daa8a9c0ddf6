"""Money going back: the wish is a row first, then a call that may be repeated, then its record.

RefundRefused
├── CapturePending  PayPal still reviews the money: it cannot go back yet
├── NothingLeft     all of it is refunded, or on its way
├── RefundTooLarge  more than is left
├── NotStray        it paid the order
└── NoAmount        not a sum that this currency has
"""

import logging
import uuid
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from payments.calls import concerning
from payments.gateway import GatewayError, Refused, RemoteRefund, Unanswered
from payments.lifecycle import CaptureStatus
from payments.locks import lock_order
from payments.models import Capture, Payment, Refund
from payments.money import to_paypal
from payments.paypal import gateway
from payments.refund_recording import ENDED, record_refund, record_refused_refund

logger = logging.getLogger(__name__)

STRAY = "stray"
_REFUNDABLE = frozenset(
    {CaptureStatus.COMPLETED, CaptureStatus.PARTIALLY_REFUNDED, CaptureStatus.REFUNDED}
)


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


class NotStray(RefundRefused):
    """It paid the order: `refund_payment` is for that."""


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


def refund_stray(*, capture_id: int, by: str, request_id: uuid.UUID) -> None:
    """Refund what is left of money that pays for nothing: its own refund failed.

    Otherwise as `refund_payment`, which is for what paid the order.
    """
    refund = _request_stray(capture_id, by, request_id)
    send_at_once(refund, by=by)


@transaction.atomic(durable=True)
def _request(
    order_id: int, amount: Decimal | None, reason: str, by: str, request_id: uuid.UUID
) -> Refund:
    _, payment = lock_order(order_id)
    return request_of_payment(payment, amount, reason, by, request_id)


def request_of_payment(
    payment: Payment, amount: Decimal | None, reason: str, by: str, request_id: uuid.UUID
) -> Refund:
    """Insert the wish for so much of what paid, or for all that is left; the same id is one wish.

    Joins the caller's transaction, which holds the payment's lock. Raises RefundRefused.
    """
    capture = payment.captures.filter(is_settling=True).first()
    return _known(payment, request_id) or _insert(capture, amount, reason, by, request_id)


@transaction.atomic(durable=True)
def _request_stray(capture_id: int, by: str, request_id: uuid.UUID) -> Refund:
    _, payment = lock_order(Payment.objects.get(captures=capture_id).order_id)
    capture = payment.captures.get(pk=capture_id)
    if capture.is_settling:
        raise NotStray("This money paid the order.")
    return _known(payment, request_id) or _insert(capture, None, STRAY, by, request_id)


def _known(payment: Payment, request_id: uuid.UUID) -> Refund | None:
    return Refund.objects.filter(request_id=request_id, capture__payment=payment).first()


def _insert(
    capture: Capture | None, amount: Decimal | None, reason: str, by: str, request_id: uuid.UUID
) -> Refund:
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
    refund = Refund.objects.select_related("capture__payment").get(pk=refund_id)
    if refund.status not in ENDED:
        with concerning(refund.capture.payment.transaction_id):
            _follow(refund, by=by)


def _follow(refund: Refund, *, by: str) -> None:
    try:
        remote = (
            _send(refund) if refund.paypal_id is None else gateway().get_refund(refund.paypal_id)
        )
    except Refused as error:
        if refund.paypal_id is not None:
            raise
        record_refused_refund(refund, error.issue)
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


def _checked(amount: Decimal, currency: str) -> Decimal:
    if not amount.is_finite() or amount <= 0:
        raise NoAmount("A refund is more than nothing.")
    try:
        to_paypal(amount, currency)
    except ValueError as error:
        raise NoAmount(str(error)) from error
    return amount
