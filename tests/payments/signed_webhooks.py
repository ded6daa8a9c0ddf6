"""Webhooks as PayPal sends them, signed by whoever a test says."""

import json
import uuid
from typing import Any

from django.http import HttpResponse
from django.test import Client

from devtools.paypal.signatures import Signer
from payments.models import PaymentAttempt

WEBHOOK = "/payments/paypal/webhook/"


def event(attempt: PaymentAttempt | None = None, **changes: Any) -> bytes:
    found = {
        "id": f"WH-{uuid.uuid4()}",
        "event_type": "CHECKOUT.ORDER.APPROVED",
        "resource": {"id": attempt.paypal_order_id if attempt else "NOT-OURS"},
        **changes,
    }
    return json.dumps(found).encode()


def send(
    body: bytes, signer: Signer, *, webhook_id: str = "TEST-WEBHOOK", **changes: str
) -> HttpResponse:
    """Deliver a webhook; `changes` are headers that differ, `_` for `-`."""
    headers = signer.headers(body, webhook_id)
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    return Client().post(  # type: ignore[return-value]
        WEBHOOK, body, content_type="application/json", headers=headers
    )
