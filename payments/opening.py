"""The beginning of a payment: its row, and the PayPal order that the customer approves."""

import threading
import uuid
from datetime import datetime, timedelta
from time import monotonic, sleep

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from lifecycles.statements import insert, next_key, write
from orders.models import Order
from payments.calls import concerning, let_connection_go
from payments.gateway import Address, InProgress, Item, Purchase, Refused, RemoteOrder
from payments.lifecycle import AttemptStatus, PaymentStatus
from payments.models import Payment, PaymentAttempt, PaymentTransition
from payments.paypal import gateway
from payments.turns import Turns

# The clock first asks PayPal about an attempt when its customer may just have come back.
FIRST_ASK = timedelta(seconds=30)
# How long, and how often in it, a second "Pay now" looks for what the first got from PayPal.
TWIN_SECONDS = 5.0
_LOOK_SECONDS = 0.1
_turns = Turns()
# As many may wait for a twin, at most, as may wait for PayPal itself.
_twins = threading.BoundedSemaphore(settings.PAYPAL_CALLS)


class NothingToPay(Exception):
    """The order cannot be paid (any more); its page says why."""

    def __init__(self, order: Order) -> None:
        self.order = order
        super().__init__(order.number)


def create_payment(order: Order, *, by: str, at: datetime) -> Payment:
    """Insert the order's payment, under the same transaction id, in the same transaction."""
    payment = Payment(
        pk=next_key(Payment),
        order=order,
        transaction_id=order.transaction_id,
        amount=order.total,
        currency=order.currency,
    )
    begun = PaymentTransition(payment=payment, new=PaymentStatus.PENDING, by=by, at=at)
    write(insert(payment), insert(begun))
    return payment


def approval_url(transaction_id: uuid.UUID) -> str:
    """Return where at PayPal the customer approves: the open attempt's page, or a new attempt's.

    Safe to repeat: an unanswered attempt is sent again with its own request id, and while PayPal
    is at work on it for another request, that one's answer is waited for. Approved already, it
    leads on to where the customer comes back. Raises Order.DoesNotExist, NothingToPay,
    Unanswered (try again: the same attempt is found), AskedJustNow (so, but in a moment) and
    Refused (the attempt is closed; another try opens the next).
    """
    attempt = _open_attempt(transaction_id)
    if attempt.approve_url:
        return attempt.approve_url
    try:
        remote = _create(attempt)
    except InProgress:
        if url := _url_of_twin(attempt.pk):
            return url
        raise
    except Refused as error:
        _close_refused(attempt, error)
        raise
    PaymentAttempt.objects.filter(pk=attempt.pk).update(
        paypal_order_id=remote.id,
        approve_url=remote.approve_url,
        ask_at=timezone.now() + FIRST_ASK,
    )
    return _way_on(remote.approve_url, remote.id)


def _create(attempt: PaymentAttempt) -> RemoteOrder:
    payment, purchase = attempt.payment, _purchase(attempt)
    with _turns.take(payment.pk), concerning(payment.transaction_id):
        return gateway().create_order(purchase, request_id=attempt.create_request_id)


def _url_of_twin(attempt_id: int) -> str | None:
    """Wait until another request has stored PayPal's answer; no connection is held meanwhile."""
    if not _twins.acquire(blocking=False):
        return None
    try:
        until = monotonic() + TWIN_SECONDS
        while monotonic() < until:
            attempt = PaymentAttempt.objects.get(pk=attempt_id)
            if attempt.paypal_order_id:
                return _way_on(attempt.approve_url, attempt.paypal_order_id)
            if attempt.status == AttemptStatus.CLOSED:
                return None
            let_connection_go()
            sleep(_LOOK_SECONDS)
        return None
    finally:
        _twins.release()


def _way_on(approve_url: str, paypal_order_id: str) -> str:
    return approve_url or f"{_return_url()}?token={paypal_order_id}"


def _return_url() -> str:
    return settings.SHOP_URL + reverse("payment-return")


@transaction.atomic(durable=True)
def _open_attempt(transaction_id: uuid.UUID) -> PaymentAttempt:
    """Find the open attempt or insert the next, request id and all, before PayPal is called."""
    order = Order.objects.locked().get(payment__transaction_id=transaction_id)
    payment = Payment.objects.locked().get(order=order)
    now = timezone.now()
    if payment.status != PaymentStatus.PENDING or order.expires_at <= now:
        raise NothingToPay(order)
    payment.order = order
    attempt = payment.attempts.filter(status=AttemptStatus.OPEN).first()
    if attempt is None:
        attempt = payment.attempts.create(
            number=payment.attempts.count() + 1, create_request_id=uuid.uuid4(), opened_at=now
        )
    attempt.payment = payment
    return attempt


@transaction.atomic(durable=True)
def _close_refused(attempt: PaymentAttempt, error: Refused) -> None:
    Payment.objects.locked().get(pk=attempt.payment_id)
    attempt.refresh_from_db()
    if attempt.status == AttemptStatus.OPEN:
        attempt.close(issue=error.issue, at=timezone.now())


def _purchase(attempt: PaymentAttempt) -> Purchase:
    order = attempt.payment.order
    return Purchase(
        transaction_id=order.transaction_id,
        invoice_id=attempt.invoice_id,
        currency=order.currency,
        items=[
            Item(line.sku, _title(line.name, line.variant_name), line.quantity, line.unit_price)
            for line in order.lines.all()
        ],
        delivery=order.delivery_price,
        total=order.total,
        address=Address(
            full_name=order.full_name,
            line1=order.line1,
            line2=order.line2,
            city=order.city,
            postal_code=order.postal_code,
            country=order.country,
        ),
        locale=order.locale,
        return_url=_return_url(),
        cancel_url=settings.SHOP_URL + reverse("payment-cancel"),
    )


def _title(name: str, variant_name: str) -> str:
    return f"{name} · {variant_name}" if variant_name else name
