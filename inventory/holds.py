"""Every way stock changes: hold, win back, sell, release, put back, count.

Each function joins the caller's transaction, locks the SKUs it touches in SKU order (the last
locks of any transaction) and writes one movement for each change. `reference` is the transaction
id of the order on whose behalf the stock moves.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from inventory.lifecycle import HOLD_TRANSITIONS, HoldStatus
from inventory.models import MovementKind, Stock, StockHold, StockMovement
from lifecycles import check_transition


@dataclass(frozen=True)
class Shortage:
    """One SKU that cannot be had in the quantity wanted."""

    sku: str
    wanted: int
    available: int


class ShortOfStock(Exception):
    """At least one SKU is short; nothing was changed."""

    def __init__(self, shortages: Iterable[Shortage]) -> None:
        self.shortages = tuple(shortages)
        super().__init__(", ".join(f"{s.sku}: {s.available} of {s.wanted}" for s in self.shortages))


class StockIsHeld(Exception):
    """A stocktake would leave less than what is set aside for orders."""

    def __init__(self, sku: str, held: int) -> None:
        self.sku, self.held = sku, held
        super().__init__(
            f"{held} of {sku} are set aside for orders: on hand cannot be less than {held}."
        )


def hold(
    *,
    reference: UUID,
    quantities: Mapping[str, int],
    until: datetime,
    by: str,
    at: datetime,
    instead_of: Collection[UUID] = (),
) -> None:
    """Set stock aside for every SKU, or raise ShortOfStock.

    What is held for the orders of `instead_of`, whose locks the caller has, is released first: it
    is there to be held again.
    """
    if instead_of:
        given_up = StockHold.objects.filter(reference__in=instead_of, status=HoldStatus.HELD)
        _lock({*quantities, *given_up.values_list("stock_id", flat=True)})  # all in SKU order
        for earlier in instead_of:
            release(reference=earlier, by=by, at=at)
    stock = _lock(quantities)
    _require(stock, quantities)
    StockHold.objects.bulk_create(
        StockHold(reference=reference, stock_id=sku, quantity=quantity, held_until=until)
        for sku, quantity in sorted(quantities.items())
    )
    for sku, quantity in quantities.items():
        stock[sku].held += quantity
    _record(
        stock, {sku: (0, n) for sku, n in quantities.items()}, MovementKind.HOLD, reference, by, at
    )


def secure(*, reference: UUID, until: datetime, by: str, at: datetime) -> None:
    """Make sure that every line is held: win back what was released, all lines or none.

    Raises ShortOfStock when a line is gone; the lines still held stay so.
    """
    released = _holds(reference, HoldStatus.RELEASED)
    wanted = {one.stock_id: one.quantity for one in released}
    if not wanted:
        return
    stock = _lock(wanted)
    _require(stock, wanted)
    for one in released:
        stock[one.stock_id].held += one.quantity
    _move(released, HoldStatus.HELD, held_until=until)
    _record(
        stock, {sku: (0, n) for sku, n in wanted.items()}, MovementKind.WIN_BACK, reference, by, at
    )


def extend(*, reference: UUID, until: datetime) -> None:
    """Let what is held be held until then. The order's lock is held by the caller."""
    StockHold.objects.filter(reference=reference, status=HoldStatus.HELD).update(held_until=until)


def has_ended(reference: UUID, at: datetime) -> bool:
    """Say whether anything is still held whose time is over."""
    return StockHold.objects.filter(
        reference=reference, status=HoldStatus.HELD, held_until__lte=at
    ).exists()


def is_held(reference: UUID, at: datetime) -> bool:
    """Say whether anything is set aside, and will be for a while."""
    return StockHold.objects.filter(
        reference=reference, status=HoldStatus.HELD, held_until__gt=at
    ).exists()


def sell(*, reference: UUID, by: str, at: datetime) -> None:
    """Take what is held out of the stock: it was paid for."""
    holds = _holds(reference, HoldStatus.HELD)
    changes = {h.stock_id: (-h.quantity, -h.quantity) for h in holds}
    _apply(holds, HoldStatus.SOLD, changes, MovementKind.SALE, reference, by, at)


def release(*, reference: UUID, by: str, at: datetime) -> bool:
    """Give back what is held; return whether anything was."""
    holds = _holds(reference, HoldStatus.HELD)
    changes = {h.stock_id: (0, -h.quantity) for h in holds}
    _apply(holds, HoldStatus.RELEASED, changes, MovementKind.RELEASE, reference, by, at)
    return bool(holds)


def put_back(*, reference: UUID, by: str, at: datetime) -> None:
    """Return what was sold to the shelf."""
    holds = _holds(reference, HoldStatus.SOLD)
    changes = {h.stock_id: (h.quantity, 0) for h in holds}
    _apply(holds, HoldStatus.RETURNED, changes, MovementKind.RETURN, reference, by, at)


@transaction.atomic
def set_stock(*, sku: str, on_hand: int, by: str) -> Stock:
    """Record a stocktake; a SKU without a row gets one. Raises StockIsHeld, changing nothing."""
    Stock.objects.get_or_create(sku=sku)
    stock = Stock.objects.locked().get(sku=sku)
    change = on_hand - stock.on_hand
    if on_hand < stock.held:
        raise StockIsHeld(sku, stock.held)
    if change:
        stock.on_hand = on_hand
        _record({sku: stock}, {sku: (change, 0)}, MovementKind.STOCKTAKE, None, by, timezone.now())
    return stock


def _lock(skus: Iterable[str]) -> dict[str, Stock]:
    return {stock.sku: stock for stock in Stock.objects.locked().filter(sku__in=list(skus))}


def _holds(reference: UUID, status: HoldStatus) -> list[StockHold]:
    """Return the order's holds; the order's lock, which the caller has, guards their states."""
    return list(StockHold.objects.filter(reference=reference, status=status).order_by("stock"))


def _require(stock: Mapping[str, Stock], quantities: Mapping[str, int]) -> None:
    have = {sku: stock[sku].available if sku in stock else 0 for sku in quantities}
    shortages = [Shortage(sku, n, have[sku]) for sku, n in quantities.items() if have[sku] < n]
    if shortages:
        raise ShortOfStock(shortages)


def _apply(
    holds: list[StockHold],
    status: HoldStatus,
    changes: Mapping[str, tuple[int, int]],
    kind: MovementKind,
    reference: UUID,
    by: str,
    at: datetime,
) -> None:
    stock = _lock(changes)
    _move(holds, status)
    for one in holds:
        on_hand, held = changes[one.stock_id]
        stock[one.stock_id].on_hand += on_hand
        stock[one.stock_id].held += held
    _record(stock, changes, kind, reference, by, at)


def _move(holds: Iterable[StockHold], status: HoldStatus, **also: datetime) -> None:
    """Move the holds in one statement; `also` are fields that change with it."""
    for one in holds:
        check_transition(HOLD_TRANSITIONS, thing=f"Hold {one.pk}", old=one.status, new=status)
    StockHold.objects.filter(pk__in=[one.pk for one in holds]).update(status=status, **also)


def _record(
    stock: Mapping[str, Stock],
    changes: Mapping[str, tuple[int, int]],
    kind: MovementKind,
    reference: UUID | None,
    by: str,
    at: datetime,
) -> None:
    """Write the changed stock and one movement for each SKU."""
    Stock.objects.bulk_update(stock.values(), ["on_hand", "held"])
    StockMovement.objects.bulk_create(
        StockMovement(
            stock_id=sku,
            kind=kind,
            on_hand_change=on_hand,
            held_change=held,
            reference=reference,
            by=by,
            moved_at=at,
        )
        for sku, (on_hand, held) in sorted(changes.items())
    )
