"""place_order(): order, payment and held stock in one transaction."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone, translation

from inventory import holds
from orders.events import record_order_event
from orders.lifecycle import OrderStatus
from orders.models import Order
from orders.placement import Contact, NewLine, NewOrder, create_order
from payments.endings import supersede_order
from payments.lifecycle import PaymentStatus
from payments.models import Payment
from payments.opening import create_payment
from shop.pricing import Items, Quote, QuotedLine, quote

_LONGEST_LOCK_WAIT = "10s"
_OVER = (OrderStatus.FAILED, OrderStatus.CANCELLED)


class PlacementRefused(Exception):
    """An expected answer, not a failure: nothing was ordered, and the customer is told why."""


class EmptyCart(PlacementRefused):
    """There is nothing to order."""


class ForeignCheckoutKey(PlacementRefused):
    """The checkout key belongs to another visitor."""


class DeliveryUnavailable(PlacementRefused):
    """The delivery method does not exist or does not go there."""


class PriceChanged(PlacementRefused):
    """The total is not the one that was shown."""

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


class LinesUnavailable(PlacementRefused):
    """At least one line cannot be had in the quantity wanted."""

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


def place_order(placement: Placement) -> Order:
    """Create Order and Payment, PENDING under one transaction id, with every line's stock held.

    Idempotent by checkout key and content: the same wish finds its order. An unpaid order of the
    same cart gives way to a changed wish; one that is being paid or is paid is returned instead.
    Owns its transaction. Raises PlacementRefused, having changed nothing.
    """
    with translation.override(placement.locale), transaction.atomic(durable=True):
        _queue_behind_same(placement.cart_id, placement.checkout_key)
        earlier = _earlier_orders(placement)
        for order in earlier:
            if _answers(order, placement):
                return order
        return _place(placement, earlier)


def _queue_behind_same(*ids: uuid.UUID) -> None:
    """Let placements of one cart, and of one key, follow one another.

    That or any row is waited for no longer than the limit.
    """
    locks = sorted(one.int >> 65 for one in ids)  # one order for all: no deadlock
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true)"
            + ", pg_advisory_xact_lock(%s)" * len(ids),
            [_LONGEST_LOCK_WAIT, *locks],
        )


def _earlier_orders(placement: Placement) -> list[Order]:
    """Lock and return what this cart has ordered and not lost, and who holds the key."""
    of_this_cart = Q(cart_id=placement.cart_id) & ~Q(status__in=_OVER)
    orders = list(
        Order.objects.locked().filter(of_this_cart | Q(checkout_key=placement.checkout_key))
    )
    payments = Payment.objects.locked().in_bulk([o.pk for o in orders], field_name="order_id")
    for order in orders:
        order.payment = payments[order.pk]
        if order.checkout_key == placement.checkout_key and not _is_owner(order, placement):
            raise ForeignCheckoutKey(str(placement.checkout_key))
    return orders


def _is_owner(order: Order, placement: Placement) -> bool:
    return order.cart_id == placement.cart_id or (
        order.user_id is not None and order.user_id == placement.user_id
    )


def _answers(order: Order, placement: Placement) -> bool:
    """Say whether an earlier order is the answer to this placement."""
    if order.status in _OVER:
        return False
    if order.payment.status != PaymentStatus.PENDING:
        return True
    return (
        order.checkout_key == placement.checkout_key and order.fingerprint == placement.fingerprint
    )


def _place(placement: Placement, earlier: list[Order]) -> Order:
    now = timezone.now()
    priced = _priced(placement)
    for order in earlier:
        _give_way(order, placement, at=now)
    order = create_order(_new_order(placement, priced), by="customer", at=now)
    create_payment(order, by="customer", at=now)
    record_order_event(order, "order.placed")
    _hold(order, priced, earlier, at=now)
    return order


def _priced(placement: Placement) -> Quote:
    if not placement.items:
        raise EmptyCart
    priced = quote(
        items=placement.items, delivery=placement.delivery, country=placement.contact.country
    )
    if priced.missing:
        wanted = dict(placement.items)
        raise LinesUnavailable(
            tuple(UnavailableLine(sku, sku, wanted[sku], 0) for sku in priced.missing)
        )
    if priced.delivery is None:
        raise DeliveryUnavailable(placement.delivery)
    if placement.shown_total not in {None, priced.total}:
        raise PriceChanged(priced.total)
    return priced


def _give_way(order: Order, placement: Placement, *, at: datetime) -> None:
    """End an earlier unpaid order of this cart, and take the checkout key from who holds it."""
    holds_key = order.checkout_key == placement.checkout_key
    if order.status == OrderStatus.PENDING:
        supersede_order(order, order.payment, gives_up_key=holds_key, at=at)
    elif holds_key:
        order.give_up_key(by="customer", at=at)


def _hold(order: Order, priced: Quote, earlier: list[Order], *, at: datetime) -> None:
    """Set the stock aside, the superseded orders' holds first given back: the last locks."""
    try:
        holds.hold(
            reference=order.transaction_id,
            quantities={line.variant.sku: line.quantity for line in priced.lines},
            until=min(at + settings.ORDER_HOLD, order.expires_at),
            by="customer",
            at=at,
            instead_of=[one.transaction_id for one in earlier],
        )
    except holds.ShortOfStock as short:
        names = {line.variant.sku: _full_name(line) for line in priced.lines}
        raise LinesUnavailable(
            tuple(
                UnavailableLine(one.sku, names[one.sku], one.wanted, one.available)
                for one in short.shortages
            )
        ) from short


def _new_order(placement: Placement, priced: Quote) -> NewOrder:
    return NewOrder(
        checkout_key=placement.checkout_key,
        fingerprint=placement.fingerprint,
        cart_id=placement.cart_id,
        contact=placement.contact,
        lines=[_new_line(line) for line in priced.lines],
        delivery_name=priced.delivery.name if priced.delivery else "",
        delivery_price=priced.delivery_price,
        locale=placement.locale,
        user_id=placement.user_id,
        network_address=placement.network_address,
    )


def _new_line(line: QuotedLine) -> NewLine:
    product = line.variant.product
    return NewLine(
        sku=line.variant.sku,
        name=product.name,
        variant_name=line.variant.name,
        slug=product.slug,
        picture=product.picture,
        quantity=line.quantity,
        unit_price=line.variant.price,
    )


def _full_name(line: QuotedLine) -> str:
    name, variant = line.variant.product.name, line.variant.name
    return f"{name} · {variant}" if variant else name
