"""What the order clock does for payments: each a bounded list of cases, each case on its own.

A case that fails is logged and due again; it does not stop the others. Without the database
nothing can be done: that ends the duty.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError
from django.db.models import F
from django.utils import timezone

from inventory.lifecycle import HoldStatus
from inventory.models import StockHold
from orders.lifecycle import OrderStatus
from orders.models import Order
from payments import webhooks
from payments.endings import expire_order, release_ended_hold
from payments.gateway import GatewayError
from payments.lifecycle import AttemptStatus, PaymentStatus
from payments.models import PaymentAttempt, Refund, WebhookReceipt
from payments.refunds import send_refund
from payments.settlement import settle

Case = TypeVar("Case")
logger = logging.getLogger(__name__)

# PayPal gives the payer 3 hours to approve and the shop 3 more to capture.
PAYPAL_WINDOWS = timedelta(hours=6)
_LONGEST_WAIT = timedelta(minutes=30)


def end_holds(limit: int = 200) -> int:
    """Release what is held for unpaid orders beyond its time; return how many orders."""
    ended = StockHold.objects.filter(status=HoldStatus.HELD, held_until__lte=timezone.now())
    return _each(_unpaid(limit, transaction_id__in=ended.values("reference")), release_ended_hold)


def expire_orders(limit: int = 200) -> int:
    """End unpaid orders whose time is over; return how many."""
    return _each(_unpaid(limit, expires_at__lte=timezone.now()), expire_order)


def ask_paypal(limit: int = 50) -> int:
    """Settle the attempts whose turn it is to be asked about; return how many."""
    now = timezone.now()
    attempts = PaymentAttempt.objects.filter(ask_at__lte=now).order_by("ask_at")[:limit]
    return _each([attempt.pk for attempt in attempts], _ask)


def work_on_webhooks(limit: int = 50) -> int:
    """Do what the webhooks received ask for; return how many were worked on."""
    return _each(webhooks.due_receipts(timezone.now(), limit), _work_on)


def send_refunds(limit: int = 50) -> int:
    """Send the refunds that PayPal has not taken yet; return how many."""
    refunds = Refund.objects.filter(status="REQUESTED").order_by("pk")[:limit]
    return _each([refund.pk for refund in refunds], lambda pk: send_refund(pk, by="clock"))


def _unpaid(limit: int, **conditions: Any) -> list[int]:
    orders = Order.objects.filter(
        status=OrderStatus.PENDING, payment__status=PaymentStatus.PENDING, **conditions
    )
    return list(orders.values_list("pk", flat=True)[:limit])


def _ask(attempt_id: int) -> None:
    """Note when it is asked about next, wider each time, then ask."""
    now = timezone.now()
    attempt = PaymentAttempt.objects.get(pk=attempt_id)
    PaymentAttempt.objects.filter(pk=attempt_id).update(
        ask_at=_next_ask(attempt, now), asked=F("asked") + 1
    )
    settle(attempt_id, by="clock")


def _next_ask(attempt: PaymentAttempt, now: datetime) -> datetime | None:
    if attempt.status == AttemptStatus.CLOSED and now - attempt.opened_at > PAYPAL_WINDOWS:
        return None
    doublings = min(attempt.asked, 10)
    return now + min(timedelta(seconds=30 * (1 << doublings)), _LONGEST_WAIT)


def _work_on(receipt: WebhookReceipt) -> None:
    webhooks.postpone(receipt)
    webhooks.work_on(receipt)


def _each(cases: list[Case], work: Callable[[Case], None]) -> int:
    done = 0
    for case in cases:
        try:
            work(case)
            done += 1
        except GatewayError as error:
            logger.warning("PayPal duty %s %s: %s", work.__name__, case, error)
        except (InterfaceError, OperationalError):
            raise
        except Exception:
            logger.exception("Duty %s %s failed.", work.__name__, case)
    return done
