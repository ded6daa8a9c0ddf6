"""Every way stock changes, and that the movements tell it all."""

import uuid
from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from inventory import holds
from inventory.holds import Shortage, ShortOfStock, StockIsHeld, set_stock
from inventory.lifecycle import HoldStatus
from inventory.models import Stock, StockHold, StockMovement

pytestmark = pytest.mark.django_db

NOW = timezone.now()
LATER = NOW + timedelta(minutes=15)


def hold(reference: uuid.UUID | None = None, **quantities: int) -> uuid.UUID:
    reference = reference or uuid.uuid4()
    holds.hold(reference=reference, quantities=quantities, until=LATER, by="test", at=NOW)
    return reference


def secure(reference: uuid.UUID, until: datetime = LATER) -> None:
    holds.secure(reference=reference, until=until, by="test", at=NOW)


def release(reference: uuid.UUID) -> bool:
    return holds.release(reference=reference, by="test", at=NOW)


def sell(reference: uuid.UUID) -> None:
    holds.sell(reference=reference, by="test", at=NOW)


def on_shelf(sku: str) -> tuple[int, int]:
    """Return what is on hand and what of it is held."""
    stock = Stock.objects.get(sku=sku)
    return stock.on_hand, stock.held


@pytest.fixture(autouse=True)
def _shelf() -> None:
    set_stock(sku="A", on_hand=5, by="test")
    set_stock(sku="B", on_hand=2, by="test")


def test_what_is_held_is_still_on_hand_but_not_available() -> None:
    hold(A=3)
    assert on_shelf("A") == (5, 3)
    assert Stock.objects.get(sku="A").available == 2


def test_a_shortage_names_every_short_line_and_changes_nothing() -> None:
    with pytest.raises(ShortOfStock) as refusal, transaction.atomic():
        hold(A=6, B=3, C=1)
    assert refusal.value.shortages == (
        Shortage("A", 6, 5),
        Shortage("B", 3, 2),
        Shortage("C", 1, 0),
    )
    assert (on_shelf("A"), on_shelf("B")) == ((5, 0), (2, 0))
    assert not StockHold.objects.exists()


def test_what_was_released_can_be_held_by_another() -> None:
    first = hold(B=2)
    assert release(first)
    hold(B=2)
    assert on_shelf("B") == (2, 2)


def test_releasing_twice_gives_back_once() -> None:
    first = hold(B=2)
    assert release(first)
    assert not release(first)
    assert on_shelf("B") == (2, 0)


def test_secure_wins_back_every_line_with_a_new_end() -> None:
    reference = hold(A=1, B=2)
    release(reference)
    secure(reference, LATER + timedelta(hours=1))
    assert (on_shelf("A"), on_shelf("B")) == ((5, 1), (2, 2))
    ends = StockHold.objects.values_list("held_until", flat=True)
    assert set(ends) == {LATER + timedelta(hours=1)}


def test_secure_wins_back_nothing_when_one_line_is_gone() -> None:
    reference = hold(A=1, B=2)
    release(reference)
    hold(B=1)
    with pytest.raises(ShortOfStock) as refusal, transaction.atomic():
        secure(reference)
    assert refusal.value.shortages == (Shortage("B", 2, 1),)
    assert on_shelf("A") == (5, 0)


def test_secure_leaves_what_is_held_alone() -> None:
    reference = hold(A=1)
    before = StockMovement.objects.count()
    secure(reference)
    assert StockMovement.objects.count() == before


def test_a_sale_takes_what_was_held_off_the_shelf() -> None:
    reference = hold(A=2, B=1)
    sell(reference)
    assert (on_shelf("A"), on_shelf("B")) == ((3, 0), (1, 0))


def test_selling_twice_takes_once() -> None:
    reference = hold(A=2)
    sell(reference)
    sell(reference)
    assert on_shelf("A") == (3, 0)


def test_what_is_put_back_can_be_sold_again_and_only_once() -> None:
    reference = hold(A=2)
    sell(reference)
    for _ in range(2):
        holds.put_back(reference=reference, by="test", at=NOW)
    assert on_shelf("A") == (5, 0)
    assert StockHold.objects.get().status == HoldStatus.RETURNED


def test_a_new_hold_takes_over_what_is_held_for_the_earlier_order() -> None:
    earlier, later = hold(B=2), uuid.uuid4()
    holds.hold(
        reference=later,
        quantities={"A": 1, "B": 2},
        until=LATER,
        by="test",
        at=NOW,
        instead_of=[earlier],
    )
    assert (on_shelf("A"), on_shelf("B")) == ((5, 1), (2, 2))
    assert StockHold.objects.get(reference=earlier).status == HoldStatus.RELEASED


def test_a_stocktake_is_a_movement() -> None:
    set_stock(sku="A", on_hand=9, by="Lan")
    assert on_shelf("A") == (9, 0)
    last = StockMovement.objects.filter(stock="A").latest("id")
    assert (last.kind, last.on_hand_change, last.by) == ("stocktake", 4, "Lan")


def test_a_stocktake_that_finds_what_was_known_moves_nothing() -> None:
    before = StockMovement.objects.count()
    set_stock(sku="A", on_hand=5, by="test")
    assert StockMovement.objects.count() == before


def test_a_stocktake_below_what_is_held_is_refused() -> None:
    hold(A=3)
    with pytest.raises(StockIsHeld, match="3 of A are set aside"):
        set_stock(sku="A", on_hand=2, by="test")
    assert on_shelf("A") == (5, 3)


@pytest.mark.parametrize("change", ["held = -1", "held = on_hand + 1", "on_hand = -1, held = 0"])
def test_postgres_refuses_stock_that_cannot_be(change: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE inventory_stock SET {change}")


def test_postgres_refuses_a_second_hold_for_one_line() -> None:
    reference = hold(A=1)
    with pytest.raises(DatabaseError), transaction.atomic():
        hold(reference, A=1)


def test_an_ended_hold_is_seen_as_such() -> None:
    reference = hold(A=1)
    assert not holds.has_ended(reference, LATER - timedelta(seconds=1))
    assert holds.has_ended(reference, LATER)
    holds.extend(reference=reference, until=LATER + timedelta(minutes=1))
    assert not holds.has_ended(reference, LATER)
