"""Asking PayPal about one order at once, instead of when the clock's turn comes."""

from django.db.models import Q

from payments.lifecycle import AttemptStatus
from payments.models import Capture, PaymentAttempt, Refund
from payments.reconciliation import compare_capture
from payments.refunds import follow_refund
from payments.settlement import settle


def check_with_paypal(*, order_id: int, by: str) -> None:
    """Bring attempts, captures and refunds of an order as far as PayPal's word goes now.

    Safe to repeat. Raises GatewayError at the first question that PayPal does not answer.
    """
    attempts = PaymentAttempt.objects.filter(payment__order=order_id).exclude(paypal_order_id=None)
    unsettled = Q(status=AttemptStatus.OPEN) | Q(captures=None)
    for attempt in attempts.filter(unsettled).distinct():
        settle(attempt.pk, by=by)
    for refund in Refund.objects.filter(capture__payment__order=order_id).exclude(ask_at=None):
        follow_refund(refund.pk, by=by)
    for capture in Capture.objects.filter(payment__order=order_id):
        compare_capture(capture.pk, by=by)
