"""The events that webhooks carry."""

import json

from devtools.paypal.clock import timestamp
from devtools.paypal.records import JSON, new_id

ORDER_APPROVED = "CHECKOUT.ORDER.APPROVED"
CAPTURE_COMPLETED = "PAYMENT.CAPTURE.COMPLETED"
CAPTURE_PENDING = "PAYMENT.CAPTURE.PENDING"
CAPTURE_DENIED = "PAYMENT.CAPTURE.DENIED"
CAPTURE_DECLINED = "PAYMENT.CAPTURE.DECLINED"
CAPTURE_REFUNDED = "PAYMENT.CAPTURE.REFUNDED"
CAPTURE_REVERSED = "PAYMENT.CAPTURE.REVERSED"
REFUND_PENDING = "PAYMENT.REFUND.PENDING"
REFUND_FAILED = "PAYMENT.REFUND.FAILED"
DISPUTE_CREATED = "CUSTOMER.DISPUTE.CREATED"
DISPUTE_RESOLVED = "CUSTOMER.DISPUTE.RESOLVED"

SUMMARIES = {
    ORDER_APPROVED: "An order has been approved by buyer",
    CAPTURE_COMPLETED: "Payment completed",
    CAPTURE_PENDING: "Payment pending",
    CAPTURE_DENIED: "Payment denied",
    CAPTURE_DECLINED: "Payment declined",
    CAPTURE_REFUNDED: "A capture payment was refunded",
    CAPTURE_REVERSED: "A capture payment was reversed",
    REFUND_PENDING: "A refund is pending",
    REFUND_FAILED: "A refund failed",
    DISPUTE_CREATED: "A new dispute was opened",
    DISPUTE_RESOLVED: "A dispute was resolved",
}

_RESOURCE_TYPES = {"CHECKOUT": "checkout-order", "CUSTOMER": "dispute"}


def _resource_type(event_type: str) -> str:
    if event_type in {CAPTURE_REFUNDED, CAPTURE_REVERSED}:
        return "refund"
    family, _, rest = event_type.partition(".")
    return _RESOURCE_TYPES.get(family, rest.partition(".")[0].lower())


def make_event(event_type: str, resource: JSON, now: float, base_url: str) -> JSON:
    """Return a new event about a resource, in PayPal's envelope."""
    event_id = f"WH-{new_id(17)}-{new_id(17)}"
    itself = f"{base_url}/v1/notifications/webhooks-events/{event_id}"
    return {
        "id": event_id,
        "event_version": "1.0",
        "create_time": timestamp(now),
        "resource_type": _resource_type(event_type),
        "resource_version": "2.0",
        "event_type": event_type,
        "summary": SUMMARIES.get(event_type, event_type),
        "resource": resource,
        "links": [
            {"href": itself, "rel": "self", "method": "GET"},
            {"href": f"{itself}/resend", "rel": "resend", "method": "POST"},
        ],
    }


def encode(event: JSON) -> bytes:
    """Write an event as the bytes that are sent and signed."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
