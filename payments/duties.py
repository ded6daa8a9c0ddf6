"""What the order clock does for payments: each a bounded list of cases, each case on its own.

A case that fails is logged and due again; it does not stop the others. Without the database
nothing can be done: that ends the duty.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, Model, OuterRef, QuerySet, Subquery
from django.utils import timezone

from inventory.lifecycle import HoldStatus
from inventory.models import StockHold
from notifications.models import Event
from notifications.tracing import log_scope
from orders.attention import call_staff
from orders.flags import Flag
from orders.lifecycle import OrderStatus
from orders.models import Order
from payments import calls, receipts
from payments.endings import expire_order, release_ended_hold
from payments.gateway import Busy, GatewayError
from payments.lifecycle import AttemptStatus, PaymentStatus
from payments.locks import lock_order
from payments.models import Capture, Payment, PaymentAttempt, PaymentTransition, Refund
from payments.reconciliation import compare_capture
from payments.refunds import follow_refund
from payments.reminding import orders_to_remind, remind_customer
from payments.settlement import PAYPAL_WINDOWS, settle

Case = TypeVar("Case")
Row = TypeVar("Row", bound=Model)
Asked = TypeVar("Asked", PaymentAttempt, Capture, Refund)
Work = Callable[[Case], None]
logger = logging.getLogger(__name__)

# Captured money is compared for as long as PayPal lets it be refunded or disputed.
COMPARED_FOR = timedelta(days=180)
_LONGEST_WAIT = timedelta(minutes=30)
_UNKNOWN_AFTER = timedelta(hours=1)
_BUDGET_SECONDS = 10


def end_holds(limit: int = 200) -> int:
    """Release what is held for unpaid orders beyond its time; return how many orders."""
    ended = StockHold.objects.filter(status=HoldStatus.HELD, held_until__lte=timezone.now())
    return _each(_unpaid(limit, transaction_id__in=ended.values("reference")), release_ended_hold)


def remind_customers(limit: int = 200) -> int:
    """Remind those whose items are set aside for a few minutes more; return how many."""
    due = orders_to_remind().values_list("pk", flat=True)[:limit]
    return _each(list(due), remind_customer)


def expire_orders(limit: int = 200) -> int:
    """End unpaid orders whose time is over; return how many."""
    return _each(_unpaid(limit, expires_at__lte=timezone.now()), expire_order)


def forget_webhooks() -> int:
    """Empty what PayPal's webhooks said 90 days ago; return how many."""
    return receipts.forget_old_bodies(timezone.now())


def forget_calls() -> int:
    """Delete the traces of calls to PayPal of more than 90 days ago; return how many."""
    return calls.forget_old_calls(timezone.now())


def report_unknown_captures(limit: int = 50) -> int:
    """Tell staff of payments that PayPal has not answered for an hour; return how many."""
    unknown = _untold(timezone.now()).values_list("order", flat=True)[:limit]
    return _each(list(unknown), _report_unknown)


def ask_paypal(limit: int = 50) -> int:
    """Settle the attempts whose turn it is to be asked about; return how many."""
    return _each_due(PaymentAttempt.objects.all(), _ask_again_about_attempt, _settle, limit)


def work_on_webhooks(limit: int = 50) -> int:
    """Do what the webhooks received ask for; return how many were worked on."""
    due = receipts.due_receipts
    return _work_through(due, receipts.postpone, receipts.work_on, limit)


def send_refunds(limit: int = 50) -> int:
    """Send the refunds that PayPal has not taken yet, ask about those it has not ended."""
    return _each_due(Refund.objects.all(), _ask_again_about_refund, _follow, limit)


def compare_captures(limit: int = 50) -> int:
    """Compare captured money with PayPal's word: hourly until it is shipped, then daily."""
    captures = Capture.objects.select_related("payment__order")
    return _each_due(captures, _ask_again_about_capture, _compare, limit)


def _settle(attempt: PaymentAttempt) -> None:
    settle(attempt.pk, by="clock")


def _follow(refund: Refund) -> None:
    follow_refund(refund.pk, by="clock")


def _compare(capture: Capture) -> None:
    compare_capture(capture.pk, by="clock")


def _ask_again_about_attempt(attempt: PaymentAttempt, now: datetime) -> None:
    """Widen the wait each time; once PayPal's windows are over, a closed one has ended."""
    is_over = attempt.status == AttemptStatus.CLOSED and now - attempt.opened_at > PAYPAL_WINDOWS
    attempt.ask_at = None if is_over else now + _wait(attempt.asked)
    attempt.asked += 1
    attempt.save(update_fields=["ask_at", "asked"])


def _ask_again_about_refund(refund: Refund, now: datetime) -> None:
    refund.ask_at, refund.asked = now + _wait(refund.asked), refund.asked + 1
    refund.save(update_fields=["ask_at", "asked"])


def _ask_again_about_capture(capture: Capture, now: datetime) -> None:
    is_shipped = capture.payment.order.status != OrderStatus.SUCCESS
    wait = timedelta(days=1) if is_shipped else timedelta(hours=1)
    is_over = now - capture.recorded_at > COMPARED_FOR
    capture.ask_at = None if is_over else now + wait
    capture.save(update_fields=["ask_at"])


def _wait(asked: int) -> timedelta:
    return min(timedelta(seconds=30 * (1 << min(asked, 10))), _LONGEST_WAIT)


def _untold(now: datetime) -> QuerySet[Payment]:
    """Return the payments CAPTURING for an hour of which staff were not told since."""
    told = Event.objects.filter(
        subject=OuterRef("order__number"),
        type="staff.attention",
        recorded_at__gte=OuterRef("since"),
        body__attention__cases__0__what=Flag.CAPTURE_UNKNOWN,
    )
    steps = PaymentTransition.objects.filter(payment=OuterRef("pk")).order_by("-pk")
    capturing = Payment.objects.filter(status=PaymentStatus.CAPTURING)
    return (
        capturing.annotate(since=Subquery(steps.values("at")[:1]))
        .filter(since__lte=now - _UNKNOWN_AFTER)
        .exclude(Exists(told))
    )


@transaction.atomic(durable=True)
def _report_unknown(order_id: int) -> None:
    order, payment = lock_order(order_id)
    if _untold(timezone.now()).filter(pk=payment.pk).exists():
        call_staff(order, Flag.CAPTURE_UNKNOWN, amount=payment.amount, currency=payment.currency)


def _unpaid(limit: int, **conditions: Any) -> list[int]:
    orders = Order.objects.filter(
        status=OrderStatus.PENDING, payment__status=PaymentStatus.PENDING, **conditions
    )
    return list(orders.values_list("pk", flat=True)[:limit])


def _each_due(
    rows: QuerySet[Asked],
    ask_again: Callable[[Asked, datetime], None],
    work: Work[Asked],
    limit: int,
) -> int:
    def due(now: datetime) -> QuerySet[Asked]:
        return rows.filter(ask_at__lte=now).order_by("ask_at")

    return _work_through(due, ask_again, work, limit)


def _work_through(
    due: Callable[[datetime], QuerySet[Row]],
    postpone: Callable[[Row, datetime], None],
    work: Work[Row],
    limit: int,
) -> int:
    """Take one due row after the other, at most so many and not for too long; count those done.

    A row is postponed as it is taken, so that no other clock takes it, too, and one that fails is
    due again. What is left at the end of the time is due still; so is the rest while PayPal is
    not asked at all.
    """
    ends, done = monotonic() + _BUDGET_SECONDS, 0
    for _ in range(limit):
        row = _take(due, postpone) if monotonic() < ends else None
        if row is None:
            break
        try:
            done += _each([row], work)
        except Busy as error:
            logger.warning("PayPal duty %s stops: %s", work.__name__, error)
            break
    return done


def _take(
    due: Callable[[datetime], QuerySet[Row]], postpone: Callable[[Row, datetime], None]
) -> Row | None:
    now = timezone.now()
    with transaction.atomic():
        row = due(now).select_for_update(of=("self",), skip_locked=True, no_key=True).first()
        if row is not None:
            postpone(row, now)
    return row


def _each(cases: Iterable[Case], work: Work[Case]) -> int:
    done = 0
    for case in cases:
        try:
            with log_scope():
                work(case)
            done += 1
        except Busy:
            raise
        except GatewayError as error:
            logger.warning("PayPal duty %s %s: %s", work.__name__, case, error)
        except (InterfaceError, OperationalError):
            raise
        except Exception:
            logger.exception("Duty %s %s failed.", work.__name__, case)
    return done
