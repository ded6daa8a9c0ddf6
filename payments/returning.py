"""The customer's return from PayPal: settle at once, or soon, and let the order page say which."""

from django.utils import timezone

from payments.gateway import GatewayError
from payments.lifecycle import AttemptStatus
from payments.models import PaymentAttempt
from payments.settlement import settle


def settle_on_return(attempt_id: int) -> None:
    """Settle what the customer approved; safe to repeat. Owns its transactions.

    Of a closed attempt PayPal is not asked: it is never captured, and the clock looks for stray
    money on it.
    Raises GatewayError when PayPal gave no answer: the clock's next tick asks again, and until
    then the order page says that the payment is being confirmed.
    """
    attempt = PaymentAttempt.objects.filter(pk=attempt_id)
    if attempt.filter(status=AttemptStatus.CLOSED).exists():
        return
    try:
        settle(attempt_id, by="return")
    except GatewayError:
        now = timezone.now()
        is_open = attempt.filter(status=AttemptStatus.OPEN)
        is_open.update(came_back_at=now)
        # A capture that was claimed is asked about when its claim has run out.
        is_open.exclude(capture_claimed_until__gt=now).update(ask_at=now, asked=0)
        raise
    attempt.exclude(came_back_at=None).update(came_back_at=None)
