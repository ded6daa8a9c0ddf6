"""settle(): the one way a payment ends, called by the customer's return, a webhook, the clock.

Read PayPal's order → lock, secure the stock, commit CAPTURING → capture → lock and record. No
network call is made inside a transaction, and nothing is captured that cannot be shipped.
"""

import logging
import uuid
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from inventory import holds
from lifecycles.statements import Write, update, write
from orders.attention import call_staff
from orders.events import record_order_event
from orders.flags import Flag
from orders.lifecycle import FailureReason
from payments.calls import concerning
from payments.endings import fail_order, record_expiry, was_never_charged
from payments.gateway import Refused, RemoteOrder, Unknown
from payments.lifecycle import AttemptStatus, PaymentStatus
from payments.locks import LockedAttempt, lock_attempt
from payments.models import PaymentAttempt
from payments.paypal import gateway
from payments.recording import record_captures, record_refused_capture

logger = logging.getLogger(__name__)

# While it lasts, the process that committed CAPTURING is the one that captures.
CLAIM = timedelta(seconds=60)
# PayPal gives the payer 3 hours to approve and the shop 3 more to capture.
PAYPAL_WINDOWS = timedelta(hours=6)
_ALREADY_CAPTURED = frozenset({"ORDER_ALREADY_CAPTURED", "ORDER_COMPLETED_OR_VOIDED"})


def settle(attempt_id: int, *, by: str) -> None:
    """Bring one attempt as far as PayPal allows; may be called twice, late, by several at once.

    Raises Unanswered when PayPal gave no answer: what was begun is committed, and the clock goes
    on with it. Owns its transactions.
    """
    attempt = PaymentAttempt.objects.select_related("payment").get(pk=attempt_id)
    if attempt.paypal_order_id is None:
        return
    with concerning(attempt.payment.transaction_id):
        _settle(attempt, attempt.paypal_order_id, by=by)


def _settle(attempt: PaymentAttempt, paypal_order_id: str, *, by: str) -> None:
    """Do so with an attempt as it was before PayPal is asked."""
    try:
        remote = gateway().get_order(paypal_order_id)
    except Unknown as error:
        _end_unknown(attempt, error.issue, by=by)
        return
    if not remote.captures and timezone.now() - attempt.opened_at > PAYPAL_WINDOWS:
        _end_unknown(attempt, "WINDOWS_OVER", by=by)
        return
    if not remote.captures:
        request_id = _claim(attempt.pk, remote, by=by)
        if request_id is None:
            return
        remote = _capture(attempt.pk, remote, request_id, by=by)
    if remote.captures:
        record_captures(attempt.pk, remote.captures, by=by)


@transaction.atomic(durable=True)
def _claim(attempt_id: int, remote: RemoteOrder, *, by: str) -> uuid.UUID | None:
    """Secure the stock and commit CAPTURING; return the request id this process is to send.

    From CAPTURING the only way on is the same capture with the same request id, by one process
    at a time, whatever PayPal says the order's status is.
    """
    case = lock_attempt(attempt_id, by=by)
    attempt, payment = case.attempt, case.payment
    if attempt.status == AttemptStatus.CLOSED:
        return None
    steps: list[Write] = []
    if payment.status == PaymentStatus.CAPTURING:
        if attempt.capture_claimed_until is None or attempt.capture_claimed_until > case.at:
            return None
    elif payment.status == PaymentStatus.PENDING and _may_capture(case, remote):
        steps = payment.steps_to(PaymentStatus.CAPTURING, by=by, at=case.at)
        attempt.capture_request_id = uuid.uuid4()
    else:
        return None
    attempt.capture_claimed_until = attempt.ask_at = case.at + CLAIM
    claim = update(attempt, "capture_request_id", "capture_claimed_until", "ask_at")
    write(*steps, claim)
    return attempt.capture_request_id


def _may_capture(case: LockedAttempt, remote: RemoteOrder) -> bool:
    """Check that the payer agreed to our amount and that every line can be shipped."""
    order, payment, at = case.order, case.payment, case.at
    if not remote.is_approved:
        _await_approval(case.attempt)
        return False
    if (remote.amount, remote.currency) != (payment.amount, payment.currency):
        case.attempt.close(issue="AMOUNT_DIFFERS", at=at)
        call_staff(order, Flag.AMOUNT_DIFFERS, amount=remote.amount, currency=remote.currency)
        return False
    until = min(at + settings.ORDER_HOLD, order.expires_at)
    try:
        holds.secure(reference=order.transaction_id, until=until, by=case.by, at=at)
    except holds.ShortOfStock as short:
        fail_order(order, payment, FailureReason.SOLD_OUT, by=case.by, at=at)
        shortage = {"skus": [one.sku for one in short.shortages]}
        notify = was_never_charged(payment)
        record_order_event(order, "order.sold_out", notify=notify, shortage=shortage)
        return False
    return True


def _await_approval(attempt: PaymentAttempt) -> None:
    """Whoever came back from PayPal has not approved: no page says that it is being confirmed."""
    if attempt.came_back_at is not None:
        attempt.came_back_at = None
        attempt.save(update_fields=["came_back_at"])


def _capture(
    attempt_id: int, remote: RemoteOrder, request_id: uuid.UUID, *, by: str
) -> RemoteOrder:
    """Ask PayPal for the money and return its order as it stands afterwards."""
    try:
        return gateway().capture_order(remote.id, request_id=request_id)
    except Refused as error:
        if error.issue in _ALREADY_CAPTURED:
            return gateway().get_order(remote.id)
        logger.warning("PayPal refused to capture attempt %s: %s", attempt_id, error)
        record_refused_capture(attempt_id, error.issue, by=by)
        return remote


@transaction.atomic(durable=True)
def _end_unknown(asked: PaymentAttempt, issue: str, *, by: str) -> None:
    """PayPal has no such order (any more), or its time is over: it is never captured from now on.

    A payment under review keeps its attempt: PayPal holds that money, whatever it has forgotten.
    """
    case = lock_attempt(asked.pk, by=by)
    is_reviewed = case.payment.status == PaymentStatus.REVIEW
    if is_reviewed or case.attempt.status == AttemptStatus.CLOSED or _is_in_hand(case, asked):
        return
    case.attempt.close(issue=issue, at=case.at)
    if case.payment.status == PaymentStatus.CAPTURING:
        fail_order(case.order, case.payment, FailureReason.EXPIRED, by=by, at=case.at)
        record_expiry(case.order, case.payment)


def _is_in_hand(case: LockedAttempt, asked: PaymentAttempt) -> bool:
    """Say whether a capture is under way, or was begun after `asked` was read.

    What PayPal said before that is no word on it: its process, or the clock, goes on.
    """
    claimed_until = case.attempt.capture_claimed_until
    is_claimed = claimed_until is not None and claimed_until > case.at
    return is_claimed or claimed_until != asked.capture_claimed_until
