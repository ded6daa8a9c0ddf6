"""What the webhooks received ask for, done from their receipts: a crash loses nothing.

The body is a hint; PayPal is asked for the truth. Of disputes alone, which cannot be asked about,
the body is believed: PayPal signed it.
"""

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from orders.attention import call_staff, tell_staff
from orders.flags import Flag
from payments.gateway import Unknown
from payments.locks import lock_order
from payments.models import Capture, Payment, PaymentAttempt, WebhookReceipt
from payments.paypal import gateway
from payments.paypal_json import capture_id_in
from payments.reconciliation import compare_capture
from payments.refund_recording import REVERSED, record_refund
from payments.settlement import settle

logger = logging.getLogger(__name__)

# What PayPal tells of before we have its id is looked for that long.
LOOKED_FOR = timedelta(hours=1)
KEPT = timedelta(days=90)
_FIRST_RETRY = timedelta(seconds=5)
_LONGEST_RETRY = timedelta(minutes=5)
_REVERSED = "PAYMENT.CAPTURE.REVERSED"
_MANY = 1000


class _NotFound(Exception):
    """It is about something that is not known here (yet)."""


class _Unusable(Exception):
    """It does not say what it is about."""


def due_receipts(now: datetime) -> QuerySet[WebhookReceipt]:
    """Return those to be worked on, the oldest first."""
    return WebhookReceipt.objects.filter(try_at__lte=now).order_by("try_at")


def postpone(receipt: WebhookReceipt, now: datetime) -> None:
    """Try again later: soon at first, at most every five minutes."""
    age = max(now - receipt.received_at, _FIRST_RETRY)
    receipt.try_at = now + min(age, _LONGEST_RETRY)
    receipt.save(update_fields=["try_at"])


def work_on(receipt: WebhookReceipt) -> None:
    """Do what an event asks for. Raises GatewayError where PayPal did not help: due again."""
    resource = _object(json.loads(receipt.body).get("resource"))
    work = _work_for(receipt.event_type)
    try:
        outcome = work(receipt, resource) if work else "ignored"
    except _NotFound as error:
        if timezone.now() - receipt.received_at > LOOKED_FOR:
            _give_up(receipt, str(error))
        return
    except _Unusable:
        outcome = "ignored"
    _finish(receipt, outcome)


def forget_old_bodies(now: datetime) -> int:
    """Empty what PayPal sent more than 90 days ago; return how many were."""
    old = WebhookReceipt.objects.exclude(body="").filter(received_at__lt=now - KEPT)
    some = old.order_by("received_at").values("pk")[:_MANY]
    return WebhookReceipt.objects.filter(pk__in=some).update(body="", headers={})


Work = Callable[[WebhookReceipt, dict[str, Any]], str]


def _work_for(event_type: str) -> Work | None:
    """Return what is done about a type of event; None where nothing is."""
    if event_type in {"PAYMENT.CAPTURE.REFUNDED", _REVERSED}:
        return _follow_refund
    for beginning, work in _WORK.items():
        if event_type.startswith(beginning):
            return work
    return None


def _settle(receipt: WebhookReceipt, resource: dict[str, Any]) -> str:
    """Settle the PayPal order that an order's or a capture's event is about."""
    if not receipt.paypal_order_id:
        capture = _capture(receipt, resource.get("id"))
        settle(capture.attempt_id, by="webhook")
        return "settled"
    attempts = PaymentAttempt.objects.filter(paypal_order_id=receipt.paypal_order_id)
    attempt = attempts.first() or _adopt(receipt.paypal_order_id)
    if attempt is None:
        raise _NotFound(f"PayPal order {receipt.paypal_order_id}")
    settle(attempt.pk, by="webhook")
    return "settled"


def _follow_refund(receipt: WebhookReceipt, resource: dict[str, Any]) -> str:
    """Record the refund, or the reversal, as PayPal has it."""
    reason = REVERSED if receipt.event_type == _REVERSED else "made at PayPal"
    refund_id = _name(resource.get("id"))
    is_told = False
    try:
        remote = gateway().get_refund(refund_id)
    except Unknown:
        capture = _capture(receipt, capture_id_in(resource.get("links")))
        compare_capture(capture.pk, by="webhook")
    else:
        capture = _capture(receipt, remote.capture_id)
        is_told = record_refund(capture, remote, by="webhook", reason=reason)
    if reason == REVERSED and not is_told:
        _flag(capture, Flag.REVERSED)
    return "recorded"


def _look_into_dispute(receipt: WebhookReceipt, resource: dict[str, Any]) -> str:
    """Flag every order whose money is disputed; tell staff how a dispute ended."""
    disputed = resource.get("disputed_transactions")
    if not isinstance(disputed, list) or not disputed:
        raise _Unusable
    is_over = resource.get("status") == "RESOLVED"
    outcome = _object(resource.get("dispute_outcome")).get("outcome_code", "")
    for one in disputed:
        capture = _capture(receipt, _object(one).get("seller_transaction_id"))
        _flag(capture, Flag.DISPUTED, detail=str(outcome)[:100], is_news=is_over)
    return "flagged"


_WORK: dict[str, Work] = {
    "CHECKOUT.ORDER.": _settle,
    "PAYMENT.CAPTURE.": _settle,
    "PAYMENT.REFUND.": _follow_refund,
    "CUSTOMER.DISPUTE.": _look_into_dispute,
}


def _capture(receipt: WebhookReceipt, paypal_id: Any) -> Capture:
    """Find our capture; the receipt then names its PayPal order."""
    name = _name(paypal_id)
    capture = Capture.objects.select_related("attempt").filter(paypal_id=name).first()
    if capture is None:
        raise _NotFound(f"PayPal capture {name}")
    receipt.paypal_order_id = capture.attempt.paypal_order_id or ""
    return capture


@transaction.atomic(durable=True)
def _flag(capture: Capture, flag: Flag, *, detail: str = "", is_news: bool = False) -> None:
    """Flag the capture's order, and tell staff unless it bears the flag already."""
    order, _ = lock_order(Payment.objects.get(captures=capture).order_id)
    if is_news or order.flag != flag:
        call_staff(order, flag, amount=capture.amount, currency=capture.currency, detail=detail)


def _adopt(paypal_order_id: str) -> PaymentAttempt | None:
    """Find our attempt for a PayPal order whose id was never stored, by `custom_id` and amount."""
    try:
        remote = gateway().get_order(paypal_order_id)
        transaction_id = UUID(remote.transaction_id)
    except (Unknown, ValueError):
        return None
    with transaction.atomic(durable=True):
        payment = Payment.objects.locked().filter(transaction_id=transaction_id).first()
        if payment is None or (payment.amount, payment.currency) != (
            remote.amount,
            remote.currency,
        ):
            return None
        attempt = payment.attempts.filter(paypal_order_id=None).order_by("-number").first()
        if attempt is not None:
            attempt.paypal_order_id, attempt.approve_url = remote.id, remote.approve_url
            attempt.ask_at = timezone.now()
            attempt.save(update_fields=["paypal_order_id", "approve_url", "ask_at"])
        return attempt


@transaction.atomic(durable=True)
def _give_up(receipt: WebhookReceipt, what: str) -> None:
    logger.error("%s of %s is not ours.", what, receipt)
    page = reverse("admin:payments_webhookreceipt_change", args=[receipt.pk])
    tell_staff("webhook_unknown", subject=receipt.event_id, page=page, detail=what)
    _finish(receipt, "unknown")


def _finish(receipt: WebhookReceipt, outcome: str) -> None:
    receipt.outcome, receipt.processed_at, receipt.try_at = outcome, timezone.now(), None
    receipt.save(update_fields=["outcome", "processed_at", "try_at", "paypal_order_id"])


def _name(value: Any) -> str:
    """Return one of PayPal's ids; raise _Unusable for anything else."""
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= 40:
        raise _Unusable
    return value


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
