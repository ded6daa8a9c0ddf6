"""PayPal's webhooks: who sent it, kept once, then worked on from what was kept.

https://developer.paypal.com/api/rest/webhooks/rest/ has the signature's rules.
"""

import json
import logging
import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from payments.certificates import BadCertificate, signing_key
from payments.gateway import Unknown
from payments.models import Payment, PaymentAttempt, WebhookReceipt
from payments.paypal import gateway
from payments.settlement import settle

logger = logging.getLogger(__name__)

SIGNED_HEADERS = (
    "PAYPAL-TRANSMISSION-ID",
    "PAYPAL-TRANSMISSION-TIME",
    "PAYPAL-TRANSMISSION-SIG",
    "PAYPAL-CERT-URL",
    "PAYPAL-AUTH-ALGO",
)
# What PayPal's simulator signs for, whoever asks it to.
_SIMULATORS_ID = "WEBHOOK_ID"
# An order of ours that PayPal tells of before we have its id is looked for that long.
_LOOKED_FOR = timedelta(hours=1)
_FIRST_RETRY = timedelta(seconds=5)


class BadSignature(Exception):
    """It was not PayPal who sent this, or not to this shop."""


class Malformed(Exception):
    """Signed by PayPal, but not an event."""


def verify(body: bytes, headers: Mapping[str, str]) -> None:
    """Raise BadSignature unless PayPal signed this very body for our webhook."""
    if settings.PAYPAL_WEBHOOK_ID == _SIMULATORS_ID:
        raise BadSignature("PAYPAL_WEBHOOK_ID is the simulator's: anybody can have that signed.")
    given = {name: headers.get(name, "") for name in SIGNED_HEADERS}
    if not all(given.values()) or given["PAYPAL-AUTH-ALGO"] != "SHA256withRSA":
        raise BadSignature("A signature header is missing.")
    signed = "|".join(
        (
            given["PAYPAL-TRANSMISSION-ID"],
            given["PAYPAL-TRANSMISSION-TIME"],
            settings.PAYPAL_WEBHOOK_ID,
            str(zlib.crc32(body)),
        )
    )
    try:
        signing_key(given["PAYPAL-CERT-URL"]).verify(
            signed.encode(), signature=given["PAYPAL-TRANSMISSION-SIG"]
        )
    except BadCertificate as error:
        raise BadSignature(str(error)) from error


def receive(body: bytes, headers: Mapping[str, str]) -> WebhookReceipt:
    """Store a verified event once; PayPal may be answered when this returns. Raises Malformed."""
    try:
        text = body.decode()
        event = json.loads(text)
        event_id, event_type = event["id"], event["event_type"]
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed("The body is not an event: it needs id and event_type.") from error
    if not (_is_name(event_id, 64) and _is_name(event_type, 80)):
        raise Malformed("The event's id or event_type is not a short text.")
    now = timezone.now()
    receipt, _ = WebhookReceipt.objects.get_or_create(
        event_id=event_id,
        defaults={
            "event_type": event_type,
            "body": text,
            "headers": {name: headers.get(name, "") for name in SIGNED_HEADERS},
            "received_at": now,
            "try_at": now,
        },
    )
    return receipt


def work_on(receipt: WebhookReceipt) -> None:
    """Do what an event asks for; the body is a hint, PayPal's order is the truth.

    Raises Unanswered when PayPal did not answer; the receipt is then due again.
    """
    order_id = _paypal_order_id(receipt)
    if order_id is None:
        _finish(receipt, "ignored")
        return
    attempt = PaymentAttempt.objects.filter(paypal_order_id=order_id).first() or _adopt(order_id)
    if attempt is not None:
        settle(attempt.pk, by="webhook")
        _finish(receipt, "settled")
    elif timezone.now() - receipt.received_at > _LOOKED_FOR:
        logger.error("PayPal order %s of %s is not ours.", order_id, receipt)
        _finish(receipt, "unknown order")
    else:
        postpone(receipt)


def postpone(receipt: WebhookReceipt) -> None:
    """Try again later: soon at first, at most every five minutes."""
    now = timezone.now()
    age = max(now - receipt.received_at, _FIRST_RETRY)
    receipt.try_at = now + min(age, timedelta(minutes=5))
    receipt.save(update_fields=["try_at"])


def _finish(receipt: WebhookReceipt, outcome: str) -> None:
    receipt.outcome, receipt.processed_at, receipt.try_at = outcome, timezone.now(), None
    receipt.save(update_fields=["outcome", "processed_at", "try_at"])


def _paypal_order_id(receipt: WebhookReceipt) -> str | None:
    """Return the PayPal order that the event is about, if it is about one."""
    resource = _object(json.loads(receipt.body).get("resource"))
    if receipt.event_type.startswith("CHECKOUT.ORDER."):
        found = resource.get("id")
    else:
        related = _object(_object(resource.get("supplementary_data")).get("related_ids"))
        found = related.get("order_id")
    return found if isinstance(found, str) else None


def _is_name(value: Any, length: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= length and value.isprintable()


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


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


def due_receipts(now: datetime, limit: int) -> list[WebhookReceipt]:
    """Return the oldest receipts to be worked on now."""
    return list(WebhookReceipt.objects.filter(try_at__lte=now).order_by("try_at")[:limit])
