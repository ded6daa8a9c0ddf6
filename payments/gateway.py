"""What a payment gateway must do, in the shop's words.

GatewayError
├── Unanswered      whether it was done is not known: repeat with the same request id
│   ├── Busy        nothing was sent: too many calls wait already, or none is answered
│   └── InProgress  the same request is being worked on at this very moment
└── Refused         a definite no, with the gateway's own word for it
    └── Unknown     there is no such thing there
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID


class GatewayError(Exception):
    """The gateway did not do what was asked, as far as we know."""


class Unanswered(GatewayError):
    """No answer that can be trusted: it may or may not have been done."""


class Busy(Unanswered):
    """Nothing was sent, and nothing was waited for."""


class InProgress(Unanswered):
    """The gateway is well, and at work on this already."""


class Refused(GatewayError):
    """A definite refusal."""

    def __init__(self, issue: str, debug_id: str = "") -> None:
        self.issue, self.debug_id = issue, debug_id
        super().__init__(f"{issue} (debug id {debug_id or 'none'})")


class Unknown(Refused):
    """The gateway knows no such order, capture or refund."""


@dataclass(frozen=True)
class Item:
    """One line as the payer sees it; the price is for one piece."""

    sku: str
    name: str
    quantity: int
    unit_price: Decimal


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where the goods go; the payer cannot change it at the gateway."""

    full_name: str
    line1: str
    line2: str
    city: str
    postal_code: str
    country: str


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """What is to be paid. Amounts are in `currency` and add up."""

    transaction_id: UUID
    invoice_id: str
    currency: str
    items: Sequence[Item]
    delivery: Decimal
    total: Decimal
    address: Address
    locale: str
    return_url: str
    cancel_url: str


@dataclass(frozen=True, kw_only=True)
class RemoteCapture:
    """Money the gateway took, or tried to take, under its own id and status."""

    id: str
    status: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class RemoteRefund:
    """Money going back, under the gateway's own id and status.

    `request_id` is ours if the refund is: the gateway carries it from the request to here.
    """

    id: str
    status: str
    amount: Decimal
    currency: str
    capture_id: str
    request_id: str


@dataclass(frozen=True, kw_only=True)
class RemoteTransaction:
    """One line of the gateway's own books. What went away is negative; a fee is, too."""

    id: str
    at: datetime
    is_refund: bool
    amount: Decimal
    currency: str
    fee: Decimal
    transaction_id: str
    capture_id: str  # the refunded one; empty for a payment


@dataclass(frozen=True, kw_only=True)
class RemoteOrder:
    """The gateway's order as it stands now. Its status says nothing of money: captures do."""

    id: str
    status: str
    transaction_id: str
    amount: Decimal | None
    currency: str
    approve_url: str
    captures: Sequence[RemoteCapture] = field(default_factory=tuple)
    refunds: Sequence[RemoteRefund] = field(default_factory=tuple)

    @property
    def is_approved(self) -> bool:
        return self.status == "APPROVED"


class Gateway(Protocol):
    """Every call may raise GatewayError; those that change something carry a request id."""

    def create_order(self, purchase: Purchase, *, request_id: UUID) -> RemoteOrder:
        """Open an order that the payer can approve; moves no money."""

    def get_order(self, order_id: str) -> RemoteOrder:
        """Read an order."""

    def capture_order(self, order_id: str, *, request_id: UUID) -> RemoteOrder:
        """Take the money of an approved order."""

    def refund_capture(
        self, capture_id: str, *, amount: Decimal, currency: str, request_id: UUID
    ) -> RemoteRefund:
        """Give money of a capture back."""

    def get_capture(self, capture_id: str) -> RemoteCapture:
        """Read a capture."""

    def get_refund(self, refund_id: str) -> RemoteRefund:
        """Read a refund."""

    def list_transactions(self, start: datetime, end: datetime) -> Iterator[RemoteTransaction]:
        """Read what came and went in at most 31 days; the latest hours are not told yet."""
