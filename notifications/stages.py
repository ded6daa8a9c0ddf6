"""The stage table: which event is told to whom, whether by default, and why.

Pure data. Staff's own switches are rows of `StageSetting`; `notifications.outbox` asks for both
when an event is recorded, so that a switch counts from the next event on.
"""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Who an email is for."""

    CUSTOMER = "customer"
    STAFF = "staff"


@dataclass(frozen=True)
class Stage:
    """One row of the table: an event type and one role that may be told of it."""

    type: str
    role: Role
    is_on: bool  # unless staff decide otherwise
    purpose: str


def _customer(event_type: str, purpose: str, *, is_on: bool = True) -> Stage:
    return Stage(event_type, Role.CUSTOMER, is_on, purpose)


def _staff(event_type: str, purpose: str, *, is_on: bool = True) -> Stage:
    return Stage(event_type, Role.STAFF, is_on, purpose)


STAGES: tuple[Stage, ...] = (
    _customer(
        "order.placed",
        "Off: the customer is looking at PayPal at that very second, and the reminder covers "
        "those who left.",
        is_on=False,
    ),
    _customer(
        "order.ready_to_pay",
        "A placement that had to wait became an order after the customer may have left: the "
        "items are set aside, here is the way to pay.",
    ),
    _customer(
        "placement.refused",
        "A placement that had to wait could not become an order: nothing was ordered or charged.",
    ),
    _customer(
        "order.payment_reminder",
        "Unpaid, and the items are set aside for a few minutes more.",
    ),
    _customer("order.confirmed", "The receipt: items, totals, address, link to the order."),
    _customer(
        "order.payment_failed",
        "The payment was refused or cancelled: nothing was charged, and what can be done now.",
    ),
    _customer(
        "order.payment_review",
        "PayPal holds the money for review: what it means, and that there is nothing to do.",
    ),
    _customer("order.sold_out", "Approved too late, the stock was gone: nothing was charged."),
    _customer("order.expired", "Never paid: a link that puts these items back in the cart."),
    _customer("order.shipped", "On its way: carrier and tracking link."),
    _customer(
        "order.delivered",
        "Off: of little value once the customer was told that it was shipped.",
        is_on=False,
    ),
    _customer("order.cancelled", "Cancelled by the shop: the reason, and the refund if any."),
    _customer("payment.refunded", "A refund is complete: the amount, and when it arrives."),
    _staff("order.confirmed", "Off: a copy of each receipt, for small shops.", is_on=False),
    _staff("stock.low", "Stock reached its threshold: told once a crossing, not once a sale."),
    _staff(
        "staff.attention",
        "Money or an order needs a person: dispute, reversal, mismatch, failed placements.",
    ),
)

# Recorded with their transitions and told to nobody: no template, no switch.
UNTOLD_TYPES = frozenset({"order.superseded", "order.payment_mismatch", "order.ship_undone"})
EVENT_TYPES = frozenset(stage.type for stage in STAGES) | UNTOLD_TYPES


def stages_of(event_type: str) -> list[Stage]:
    """Return the rows of one event type, customers first."""
    return [stage for stage in STAGES if stage.type == event_type]
