"""Money going back: the wish is a row first, then a call that may be repeated, then its record."""

import uuid
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from orders.events import record_order_event
from payments.locks import lock_order
from payments.models import Capture, Refund
from payments.paypal import gateway


def request_refund(capture: Capture, *, amount: Decimal, reason: str, at: datetime) -> Refund:
    """Insert the wish in the caller's transaction, which holds the payment's lock."""
    return capture.refunds.create(
        request_id=uuid.uuid4(),
        amount=amount,
        currency=capture.currency,
        reason=reason,
        requested_at=at,
    )


def send_refund(refund_id: int, *, by: str) -> None:
    """Send one refund to PayPal and record what it says; safe to repeat. Raises GatewayError."""
    refund = Refund.objects.select_related("capture__payment").get(pk=refund_id)
    remote = gateway().refund_capture(
        refund.capture.paypal_id,
        amount=refund.amount,
        currency=refund.currency,
        request_id=refund.request_id,
    )
    _record(refund, paypal_id=remote.id, status=remote.status, by=by)


@transaction.atomic(durable=True)
def _record(refund: Refund, *, paypal_id: str, status: str, by: str) -> None:
    order, _payment = lock_order(refund.capture.payment.order_id)
    refund.refresh_from_db()
    if refund.status == status:
        return
    refund.paypal_id, refund.status = paypal_id, status
    refund.save(update_fields=["paypal_id", "status"])
    if status == "COMPLETED":
        record_order_event(
            order,
            "payment.refunded",
            refund={"amount": str(refund.amount), "currency": refund.currency},
        )
