"""What the emulator remembers: plain records that a JSON file can hold."""

import secrets
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

JSON = dict[str, Any]

# PayPal's ids leave out what the eye confuses.
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def new_id(length: int = 17) -> str:
    """Return an id that looks like PayPal's."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


@dataclass
class Order:
    """One checkout order. `context` says where the payer goes back to, and in which language."""

    id: str
    status: str
    intent: str
    unit: JSON
    context: JSON
    has_payment_source: bool
    created_at: float
    updated_at: float
    approved_at: float | None = None
    payer: JSON | None = None
    funding_is_good: bool = True
    refused_captures: int = 0
    capture_id: str | None = None

    @property
    def currency(self) -> str:
        return str(self.unit["amount"]["currency_code"])

    @property
    def invoice_id(self) -> str | None:
        return self.unit.get("invoice_id")

    @property
    def custom_id(self) -> str | None:
        return self.unit.get("custom_id")


@dataclass
class Capture:
    """Money taken, refused or under review."""

    id: str
    order_id: str
    status: str
    currency: str
    value: str
    created_at: float
    updated_at: float
    custom_id: str | None = None
    invoice_id: str | None = None
    reason: str | None = None
    refund_ids: list[str] = field(default_factory=list)

    @property
    def amount(self) -> Decimal:
        return Decimal(self.value)


@dataclass
class Refund:
    """Money given back, or on its way there while PENDING."""

    id: str
    capture_id: str
    status: str
    currency: str
    value: str
    created_at: float
    updated_at: float
    custom_id: str | None = None
    invoice_id: str | None = None
    note_to_payer: str | None = None

    @property
    def amount(self) -> Decimal:
        return Decimal(self.value)


@dataclass
class Dispute:
    """A buyer's complaint about a capture."""

    id: str
    capture_id: str
    reason: str
    status: str
    created_at: float
    updated_at: float
    outcome: str | None = None


@dataclass
class Webhook:
    """A listener that wants to be told of `event_types` (`*` is all of them)."""

    id: str
    url: str
    event_types: list[str] = field(default_factory=lambda: ["*"])

    def wants(self, event_type: str) -> bool:
        return "*" in self.event_types or event_type in self.event_types


@dataclass
class RememberedCall:
    """What a PayPal-Request-Id was answered with: a resource, or a refusal."""

    resource_id: str
    at: float
    issue: str | None = None


@dataclass
class Delivery:
    """One event on its way to one listener, and how often it was tried."""

    id: str
    event: JSON
    webhook: Webhook
    attempts: int = 0
