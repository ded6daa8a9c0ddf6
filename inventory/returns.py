"""Goods that customers send back: to the shelf, or written off."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from inventory.lifecycle import HOLD_TRANSITIONS, HoldStatus
from inventory.models import MovementKind, Stock, StockHold, StockMovement
from lifecycles import check_transition


@dataclass(frozen=True)
class Returned:
    """Pieces of one SKU that came back."""

    sku: str
    restocked: int
    written_off: int

    @property
    def pieces(self) -> int:
        return self.restocked + self.written_off


class MoreThanSold(Exception):
    """More of a SKU than is still with the customer; nothing was changed."""

    def __init__(self, sku: str, left: int) -> None:
        self.sku, self.left = sku, left
        super().__init__(f"Only {left} of {sku} can still come back.")


def take_back(*, reference: UUID, goods: Iterable[Returned], by: str, at: datetime) -> None:
    """Take sold pieces back, each SKU at most once; a hold all of which is back is RETURNED.

    Every piece comes in by a movement; one that is written off goes out again by another. Joins
    the caller's transaction, which holds the order's lock. Raises MoreThanSold.
    """
    goods = sorted(goods, key=lambda one: one.sku)
    skus = [one.sku for one in goods]
    stock = {row.sku: row for row in Stock.objects.locked().filter(sku__in=skus)}
    sold = StockHold.objects.filter(reference=reference, stock__in=skus)
    holds = {hold.stock_id: hold for hold in sold}
    for one in goods:
        _give(holds[one.sku], one.pieces)
        stock[one.sku].on_hand += one.restocked
    Stock.objects.bulk_update(stock.values(), ["on_hand"])
    StockHold.objects.bulk_update(holds.values(), ["returned", "status"])
    StockMovement.objects.bulk_create(
        StockMovement(
            stock_id=sku, kind=kind, on_hand_change=change, reference=reference, by=by, moved_at=at
        )
        for sku, kind, change in _movements(goods)
    )


def _give(hold: StockHold, pieces: int) -> None:
    left = hold.quantity - hold.returned if hold.status == HoldStatus.SOLD else 0
    if pieces > left:
        raise MoreThanSold(hold.stock_id, left)
    hold.returned += pieces
    if pieces == left:
        check_transition(
            HOLD_TRANSITIONS, thing=str(hold), old=hold.status, new=HoldStatus.RETURNED
        )
        hold.status = HoldStatus.RETURNED


def _movements(goods: Iterable[Returned]) -> Iterator[tuple[str, MovementKind, int]]:
    for one in goods:
        yield one.sku, MovementKind.RETURN, one.pieces
        if one.written_off:
            yield one.sku, MovementKind.WRITE_OFF, -one.written_off
