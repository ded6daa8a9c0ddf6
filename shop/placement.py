"""A wish to order, and the answers to it that are no failures."""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, ClassVar, Self

from orders.placement import Contact

Items = Sequence[tuple[str, int]]  # SKU and quantity


class PlacementRefused(Exception):
    """An expected answer, not a failure: nothing was ordered, and the customer is told why."""

    reason: ClassVar = "refused"  # as `placement.refused` has it
    is_told: ClassVar = True  # by email, if its customer did not wait for the answer


class EmptyCart(PlacementRefused):
    """There is nothing to order."""

    is_told = False


class ForeignCheckoutKey(PlacementRefused):
    """The checkout key belongs to another visitor."""

    is_told = False


class DeliveryUnavailable(PlacementRefused):
    """The delivery method does not exist or does not go there."""

    reason = "delivery_unavailable"


class PriceChanged(PlacementRefused):
    """The total is not the one that was shown."""

    reason = "price_changed"

    def __init__(self, total: Decimal) -> None:
        self.total = total
        super().__init__(f"The total is {total} now.")


@dataclass(frozen=True)
class UnavailableLine:
    """A line that cannot be had as wanted; nothing is available of what is no longer sold."""

    sku: str
    name: str
    wanted: int
    available: int


class TooManyOpenOrders(PlacementRefused):
    """Whoever orders has as many unpaid orders as are allowed at a time."""

    reason = "too_many_open_orders"


class TooOld(PlacementRefused):
    """The answer would come too late to be welcome."""

    reason = "too_old"


class LinesUnavailable(PlacementRefused):
    """At least one line cannot be had in the quantity wanted."""

    reason = "unavailable"

    def __init__(self, lines: tuple[UnavailableLine, ...]) -> None:
        self.lines = lines
        super().__init__(", ".join(f"{line.sku}: {line.available}" for line in lines))


@dataclass(frozen=True, kw_only=True)
class Placement:
    """One customer's wish to order, complete: what the checkout form and the cart said.

    `shown_total` is what the customer saw, in the shop's currency; None: whatever it is now.
    """

    checkout_key: uuid.UUID
    cart_id: uuid.UUID
    items: Items
    contact: Contact
    delivery: str
    shown_total: Decimal | None
    locale: str
    user_id: int | None
    network_address: str | None

    @property
    def fingerprint(self) -> str:
        """Tell two contents of one form apart: goods, delivery, total shown, who and where."""
        content = [sorted(self.items), self.delivery, str(self.shown_total), asdict(self.contact)]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-ready values; `from_json` takes them back."""
        return {
            **asdict(self),
            "checkout_key": str(self.checkout_key),
            "cart_id": str(self.cart_id),
            "shown_total": None if self.shown_total is None else str(self.shown_total),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        shown = values["shown_total"]
        return cls(
            **{
                **values,
                "checkout_key": uuid.UUID(values["checkout_key"]),
                "cart_id": uuid.UUID(values["cart_id"]),
                "items": tuple((sku, quantity) for sku, quantity in values["items"]),
                "contact": Contact(**values["contact"]),
                "shown_total": None if shown is None else Decimal(shown),
            }
        )
