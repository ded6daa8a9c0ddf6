"""The customer's return from PayPal: settle at once, or soon, and let the order page say which."""

from django.utils import timezone

from payments.gateway import GatewayError
from payments.lifecycle import AttemptStatus
from payments.models import PaymentAttempt
from payments.settlement import settle
from payments.turns import Turns

_turns = Turns()


def settle_on_return(attempt_id: int) -> None:
    """Settle what the customer approved; safe to repeat. Owns its transactions.

    Of a closed attempt PayPal is not asked: it is never captured, and the clock looks for stray
    money on it.
    Raises GatewayError when PayPal gave no answer, or is not asked so soon again: the clock's
    next tick asks it, and until then the order page says that the payment is being confirmed.
    """
    attempt = PaymentAttempt.objects.get(pk=attempt_id)
    if attempt.status == AttemptStatus.CLOSED:
        return
    try:
        with _turns.take(attempt.payment_id):
            settle(attempt_id, by="return")
    except GatewayError:
        _leave_to_the_clock(attempt_id)
        raise


def _leave_to_the_clock(attempt_id: int) -> None:
    """Have it asked about soon; a capture that was claimed, when its claim has run out."""
    now = timezone.now()
    attempt = PaymentAttempt.objects.filter(pk=attempt_id, status=AttemptStatus.OPEN)
    attempt.update(came_back_at=now)
    attempt.exclude(capture_claimed_until__gt=now).update(ask_at=now, asked=0)
