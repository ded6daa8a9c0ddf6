"""PayPal's webhooks: who sent it, kept once; `payments.receipts` does what they ask for.

https://developer.paypal.com/api/rest/webhooks/rest/ has the signature's rules.
"""

import json
import zlib
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils import timezone
from prometheus_client import Counter

from payments.certificate_fetches import BadCertificate
from payments.certificates import signing_key
from payments.models import WebhookReceipt

SIGNED_HEADERS = (
    "PAYPAL-TRANSMISSION-ID",
    "PAYPAL-TRANSMISSION-TIME",
    "PAYPAL-TRANSMISSION-SIG",
    "PAYPAL-CERT-URL",
    "PAYPAL-AUTH-ALGO",
)
# What PayPal's simulator signs for, whoever asks it to.
_SIMULATORS_ID = "WEBHOOK_ID"
REFUSED = Counter("ganh_webhooks_refused", "Webhooks refused, by why.", labelnames=("reason",))


class BadSignature(Exception):
    """It was not PayPal who sent this, or not to this shop."""


class Malformed(Exception):
    """Signed by PayPal, but not an event."""


def verify(body: bytes, headers: Mapping[str, str]) -> None:
    """Raise BadSignature unless PayPal signed this very body for our webhook.

    Raises TooManyFetches, and requests' errors, where it cannot be said now.
    """
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


def receive(body: bytes, headers: Mapping[str, str]) -> None:
    """Store a verified event once; PayPal may be answered when this returns. Raises Malformed."""
    try:
        text = body.decode()
        event = json.loads(text)
        event_id, event_type = event["id"], event["event_type"]
    except (KeyError, RecursionError, TypeError, ValueError) as error:
        raise Malformed("The body is not an event: it needs id and event_type.") from error
    if not (_is_name(event_id, 64) and _is_name(event_type, 80)):
        raise Malformed("The event's id or event_type is not a short text.")
    now = timezone.now()
    receipt = WebhookReceipt(
        event_id=event_id,
        event_type=event_type,
        paypal_order_id=_paypal_order_id(event_type, event.get("resource")),
        body=text,
        headers={name: headers.get(name, "") for name in SIGNED_HEADERS},
        received_at=now,
        try_at=now,
    )
    WebhookReceipt.objects.bulk_create([receipt], ignore_conflicts=True)


def _paypal_order_id(event_type: str, resource: Any) -> str:
    """Return the PayPal order that the event says it is about; empty where it names none."""
    try:
        if event_type.startswith("CHECKOUT.ORDER."):
            found = resource["id"]
        else:
            found = resource["supplementary_data"]["related_ids"]["order_id"]
    except (LookupError, TypeError):
        return ""
    return found if _is_name(found, 40) else ""


def _is_name(value: Any, length: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= length and value.isprintable()
