"""Every way stock changes: hold, win back, sell, release, put back, count.

Each function joins the caller's transaction, locks the SKUs it touches in SKU order (the last
locks of any transaction) and writes one movement for each change. `reference` is the transaction
id of the order on whose behalf the stock moves.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Min
from django.utils import timezone

from inventory.lifecycle import HOLD_TRANSITIONS, HoldStatus
from inventory.low_stock import tell_of_low_stock
from inventory.models import MovementKind, Stock, StockHold, StockMovement
from lifecycles import check_transition


@dataclass(frozen=True)
class _Move:
    """A step of holds, and what it does to the stock for each piece."""

    old: HoldStatus
    new: HoldStatus
    kind: MovementKind
    on_hand: int
    held: int


_SALE = _Move(HoldStatus.HELD, HoldStatus.SOLD, MovementKind.SALE, on_hand=-1, held=-1)
_RELEASE = _Move(HoldStatus.HELD, HoldStatus.RELEASED, MovementKind.RELEASE, on_hand=0, held=-1)
_WIN_BACK = _Move(HoldStatus.RELEASED, HoldStatus.HELD, MovementKind.WIN_BACK, on_hand=0, held=1)
_RETURN = _Move(HoldStatus.SOLD, HoldStatus.RETURNED, MovementKind.RETURN, on_hand=1, held=0)

# The stock's rows are locked in SKU order as the first step yields them, then changed from what
# they are by then: a writer that was waited for is not overwritten.
_MOVE = """
    WITH moved AS (
        SELECT hold.id, hold.sku, hold.quantity
        FROM inventory_stockhold hold JOIN inventory_stock stock USING (sku)
        WHERE hold.reference = %(reference)s AND hold.status = %(old)s
        ORDER BY hold.sku
        FOR NO KEY UPDATE OF stock
    ), holds AS (
        UPDATE inventory_stockhold hold
        SET status = %(new)s, held_until = coalesce(%(until)s, hold.held_until)
        FROM moved WHERE hold.id = moved.id
    ), stock AS (
        UPDATE inventory_stock stock
        SET on_hand = stock.on_hand + %(on_hand)s * moved.quantity,
            held = stock.held + %(held)s * moved.quantity
        FROM moved WHERE stock.sku = moved.sku
    )
    INSERT INTO inventory_stockmovement
        (sku, kind, on_hand_change, held_change, reference, by, moved_at)
    SELECT sku, %(kind)s, %(on_hand)s * quantity, %(held)s * quantity, %(reference)s, %(by)s, %(at)s
    FROM moved ORDER BY sku
"""

# Likewise; all are held, or none. What the rows were before is returned either way.
_HOLD = """
    WITH wanted AS (
        SELECT * FROM unnest(%(skus)s::text[], %(quantities)s::int[]) AS line (sku, quantity)
    ), locked AS (
        SELECT stock.*, wanted.quantity
        FROM inventory_stock stock JOIN wanted USING (sku)
        ORDER BY stock.sku
        FOR NO KEY UPDATE OF stock
    ), granted AS (
        SELECT sku, quantity FROM locked
        WHERE (SELECT count(*) FROM locked WHERE on_hand - held >= quantity)
            = (SELECT count(*) FROM wanted)
    ), holds AS (
        INSERT INTO inventory_stockhold (reference, sku, quantity, status, held_until)
        SELECT %(reference)s, sku, quantity, %(status)s, %(until)s FROM granted ORDER BY sku
    ), stock AS (
        UPDATE inventory_stock stock SET held = stock.held + granted.quantity
        FROM granted WHERE stock.sku = granted.sku
    ), movements AS (
        INSERT INTO inventory_stockmovement
            (sku, kind, on_hand_change, held_change, reference, by, moved_at)
        SELECT sku, %(kind)s, 0, quantity, %(reference)s, %(by)s, %(at)s FROM granted ORDER BY sku
    )
    SELECT sku, on_hand, held, low_stock_threshold FROM locked
"""


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
    before = _give_up(instead_of, for_the_sake_of=quantities, by=by, at=at)
    values: dict[str, Any] = {
        "skus": list(quantities),
        "quantities": list(quantities.values()),
        "reference": reference,
        "status": HoldStatus.HELD,
        "until": until,
        "kind": MovementKind.HOLD,
        "by": by,
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, values)
        stock = {row[0]: Stock(*row) for row in cursor.fetchall()}
    _require(stock, quantities)
    before = _available(stock) | before
    for sku, quantity in quantities.items():
        stock[sku].held += quantity
    tell_of_low_stock(before, stock.values())


def secure(*, reference: UUID, until: datetime, by: str, at: datetime) -> None:
    """Make sure that every line is held: win back what was released, all lines or none.

    Raises ShortOfStock when a line is gone; the lines still held stay so.
    """
    released = StockHold.objects.filter(reference=reference, status=HoldStatus.RELEASED)
    wanted = dict(released.values_list("stock_id", "quantity"))
    if wanted:
        stock = _lock(wanted)
        _require(stock, wanted)
        before = _available(stock)
        _move(_WIN_BACK, reference, by=by, at=at, until=until)
        for sku, quantity in wanted.items():
            stock[sku].held += quantity
        tell_of_low_stock(before, stock.values())


def extend(*, reference: UUID, until: datetime) -> None:
    """Let what is held be held until then. The order's lock is held by the caller."""
    StockHold.objects.filter(reference=reference, status=HoldStatus.HELD).update(held_until=until)


def has_ended(reference: UUID, at: datetime) -> bool:
    """Say whether anything is still held whose time is over."""
    return StockHold.objects.filter(
        reference=reference, status=HoldStatus.HELD, held_until__lte=at
    ).exists()


def held_until(reference: UUID) -> datetime | None:
    """Return when the first of what is held may be released; None when nothing is held."""
    held = StockHold.objects.filter(reference=reference, status=HoldStatus.HELD)
    until: datetime | None = held.aggregate(until=Min("held_until"))["until"]
    return until


def is_held(reference: UUID, at: datetime) -> bool:
    """Say whether anything is set aside, and will be for a while."""
    return StockHold.objects.filter(
        reference=reference, status=HoldStatus.HELD, held_until__gt=at
    ).exists()


def sell(*, reference: UUID, by: str, at: datetime) -> None:
    """Take what is held out of the stock: it was paid for."""
    _move(_SALE, reference, by=by, at=at)


def release(*, reference: UUID, by: str, at: datetime) -> bool:
    """Give back what is held; return whether anything was."""
    return _move(_RELEASE, reference, by=by, at=at)


def put_back(*, reference: UUID, by: str, at: datetime) -> None:
    """Return what was sold to the shelf."""
    _move(_RETURN, reference, by=by, at=at)


@transaction.atomic
def set_stock(*, sku: str, on_hand: int, by: str) -> Stock:
    """Record a stocktake; a SKU without a row gets one. Raises StockIsHeld, changing nothing."""
    Stock.objects.get_or_create(sku=sku)
    stock = Stock.objects.locked().get(sku=sku)
    change, before = on_hand - stock.on_hand, stock.available
    if on_hand < stock.held:
        raise StockIsHeld(sku, stock.held)
    if change:
        stock.on_hand = on_hand
        _record({sku: stock}, {sku: (change, 0)}, MovementKind.STOCKTAKE, None, by, timezone.now())
        tell_of_low_stock({sku: before}, [stock])
    return stock


@transaction.atomic
def restock(*, sku: str, pieces: int, by: str) -> Stock:
    """Put pieces that came in on the shelf; a SKU without a row gets one."""
    Stock.objects.get_or_create(sku=sku)
    stock = Stock.objects.locked().get(sku=sku)
    stock.on_hand += pieces
    _record({sku: stock}, {sku: (pieces, 0)}, MovementKind.RESTOCK, None, by, timezone.now())
    return stock


def _give_up(
    references: Collection[UUID], *, for_the_sake_of: Iterable[str], by: str, at: datetime
) -> dict[str, int]:
    """Release what is held for them; return what was available before, all locked in SKU order."""
    if not references:
        return {}
    held = StockHold.objects.filter(reference__in=references, status=HoldStatus.HELD)
    before = _available(_lock({*for_the_sake_of, *held.values_list("stock_id", flat=True)}))
    for reference in references:
        release(reference=reference, by=by, at=at)
    return before


def _lock(skus: Iterable[str]) -> dict[str, Stock]:
    return {stock.sku: stock for stock in Stock.objects.locked().filter(sku__in=list(skus))}


def _available(stock: Mapping[str, Stock]) -> dict[str, int]:
    return {sku: row.available for sku, row in stock.items()}


def _require(stock: Mapping[str, Stock], quantities: Mapping[str, int]) -> None:
    have = {sku: stock[sku].available if sku in stock else 0 for sku in quantities}
    shortages = [Shortage(sku, n, have[sku]) for sku, n in quantities.items() if have[sku] < n]
    if shortages:
        raise ShortOfStock(shortages)


def _move(
    move: _Move, reference: UUID, *, by: str, at: datetime, until: datetime | None = None
) -> bool:
    """Move an order's holds, their stock and its history in one statement; say if any moved.

    The order's lock, which the caller has, guards the holds' states; the stock is locked here.
    """
    check_transition(HOLD_TRANSITIONS, thing=f"Holds of {reference}", old=move.old, new=move.new)
    values = {**asdict(move), "reference": reference, "by": by, "at": at, "until": until}
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, values)
        return bool(cursor.rowcount)


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
