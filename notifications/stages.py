"""The stage table: which event is told to whom, whether by default, and why.

Pure data. Staff's own switches are rows of `StageSetting`; `notifications.outbox` asks for both
when an event is recorded, so that a switch counts from the next event on.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


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
    purpose: Promise
    why: Promise  # it is on, or off, by default
    may_be_stopped: bool = False  # by its readers, with the link in it


def _customer(
    event_type: str,
    purpose: Promise,
    why: Promise,
    *,
    is_on: bool = True,
    may_be_stopped: bool = False,
) -> Stage:
    return Stage(event_type, Role.CUSTOMER, is_on, purpose, why, may_be_stopped)


def _staff(event_type: str, purpose: Promise, why: Promise, *, is_on: bool = True) -> Stage:
    return Stage(event_type, Role.STAFF, is_on, purpose, why)


STAGES: tuple[Stage, ...] = (
    _customer(
        "order.placed",
        _("The order waits for its payment."),
        _("The customer is looking at PayPal at that very second; the reminder covers the rest."),
        is_on=False,
    ),
    _customer(
        "order.ready_to_pay",
        _("A placement that had to wait has become an order."),
        _("The customer may have left: the items are set aside, here is the way to pay."),
    ),
    _customer(
        "placement.refused",
        _("A placement that had to wait could not become an order."),
        _("The customer believes to have ordered: nothing was ordered or charged."),
    ),
    _customer(
        "order.payment_reminder",
        _("Unpaid, and the items are set aside for a few minutes more."),
        _("Many forget a tab. Sent once an order, and not once the items are given back."),
        may_be_stopped=True,
    ),
    _customer(
        "order.confirmed",
        _("The receipt: items, totals, address, link to the order."),
        _("Everybody expects it."),
    ),
    _customer(
        "order.payment_failed",
        _("The payment was refused or cancelled."),
        _("Nothing was charged, and what can be done now. A retry's refusal is not mailed again."),
    ),
    _customer(
        "order.payment_review",
        _("PayPal holds the money for review."),
        _("What it means, and that there is nothing to do."),
    ),
    _customer(
        "order.sold_out",
        _("Approved too late: the stock was gone."),
        _("The customer has approved a payment and must know that nothing was charged."),
    ),
    _customer(
        "order.expired",
        _("Never paid: the order has ended."),
        _("Says that nothing was charged; a link puts the items back in the cart."),
    ),
    _customer(
        "order.shipped",
        _("On its way: carrier and tracking link."),
        _("Somebody should be at home."),
    ),
    _customer(
        "order.delivered",
        _("The parcel has arrived."),
        _("Of little value once the customer was told that it was shipped."),
        is_on=False,
    ),
    _customer(
        "order.cancelled",
        _("Cancelled by the shop: the reason, and the refund if any."),
        _("It is not the customer's doing, so it must be told."),
    ),
    _customer(
        "payment.refunded",
        _("A refund is complete: the amount, and when it arrives."),
        _("Banks take days. Left out where the cancellation has told of it."),
    ),
    _staff(
        "order.confirmed",
        _("A copy of each receipt."),
        _("For small shops; in a busy one nobody reads it."),
        is_on=False,
    ),
    _staff(
        "stock.low",
        _("What can be sold of a SKU came down to its threshold."),
        _("Time to order more. Told once a crossing, not once a sale."),
    ),
    _staff(
        "staff.attention",
        _("Something needs a person: a dispute, a reversal, failed placements."),
        _("At once where it is about money, once a day for the rest."),
    ),
)

# Recorded with their transitions and told to nobody: no template, no switch.
UNTOLD_TYPES = frozenset({"order.superseded", "order.payment_mismatch", "order.ship_undone"})
EVENT_TYPES = frozenset(stage.type for stage in STAGES) | UNTOLD_TYPES


def may_be_stopped(event_type: str, role: str) -> bool:
    """Say whether its readers may ask for no more of these: none that they need to know."""
    return any(one.role == role and one.may_be_stopped for one in stages_of(event_type))


def stages_of(event_type: str) -> list[Stage]:
    """Return the rows of one event type, customers first."""
    return [stage for stage in STAGES if stage.type == event_type]
