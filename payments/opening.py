"""The beginning of a payment: its row, and the PayPal order that the customer approves."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from orders.models import Order
from payments.gateway import Address, Item, Purchase, Refused
from payments.lifecycle import AttemptStatus, PaymentStatus
from payments.models import Payment, PaymentAttempt, PaymentTransition
from payments.paypal import gateway

# The clock first asks PayPal about an attempt when its customer may just have come back.
FIRST_ASK = timedelta(seconds=30)


class NothingToPay(Exception):
    """The order cannot be paid (any more); its page says why."""

    def __init__(self, order: Order) -> None:
        self.order = order
        super().__init__(order.number)


def create_payment(order: Order, *, by: str, at: datetime) -> Payment:
    """Insert the order's payment, under the same transaction id, in the same transaction."""
    payment = Payment.objects.create(
        order=order,
        transaction_id=order.transaction_id,
        amount=order.total,
        currency=order.currency,
    )
    PaymentTransition.objects.create(payment=payment, new=PaymentStatus.PENDING, by=by, at=at)
    return payment


def approval_url(transaction_id: uuid.UUID) -> str:
    """Return where at PayPal the customer approves: the open attempt's page, or a new attempt's.

    Safe to repeat: an unanswered attempt is sent again with its own request id. Approved already,
    it leads on to where the customer comes back. Raises Order.DoesNotExist, NothingToPay,
    Unanswered (try again: the same attempt is found) and Refused (the attempt is closed; another
    try opens the next).
    """
    attempt = _open_attempt(transaction_id)
    if attempt.approve_url:
        return attempt.approve_url
    purchase = _purchase(attempt)
    try:
        remote = gateway().create_order(purchase, request_id=attempt.create_request_id)
    except Refused as error:
        _close_refused(attempt, error)
        raise
    PaymentAttempt.objects.filter(pk=attempt.pk).update(
        paypal_order_id=remote.id,
        approve_url=remote.approve_url,
        ask_at=timezone.now() + FIRST_ASK,
    )
    return remote.approve_url or f"{purchase.return_url}?token={remote.id}"


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
        return_url=settings.SHOP_URL + reverse("payment-return"),
        cancel_url=settings.SHOP_URL + reverse("payment-cancel"),
    )


def _title(name: str, variant_name: str) -> str:
    return f"{name} · {variant_name}" if variant_name else name
