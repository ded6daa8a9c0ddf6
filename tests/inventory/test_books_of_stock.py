"""Whatever happens to the stock, its movements add up to what is there."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from inventory import holds
from inventory.holds import ShortOfStock, StockIsHeld
from inventory.lifecycle import HoldStatus
from inventory.models import Stock, StockHold

SKUS = st.sampled_from(["A", "B", "C"])
BASKETS = st.dictionaries(SKUS, st.integers(1, 4), min_size=1)
NOW = timezone.now()
UNTIL = NOW + timedelta(minutes=15)


class StockRoom(RuleBasedStateMachine):
    """Orders come and go, in any order; each example is rolled back."""

    orders = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        self._all = transaction.atomic()
        self._all.__enter__()
        for sku in "ABC":
            holds.set_stock(sku=sku, on_hand=6, by="test")

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._all.__exit__(None, None, None)

    @rule(target=orders, basket=BASKETS)
    def place(self, basket: dict[str, int]) -> uuid.UUID:
        reference = uuid.uuid4()
        have = {stock.sku: stock.available for stock in Stock.objects.all()}
        try:
            holds.hold(reference=reference, quantities=basket, until=UNTIL, by="test", at=NOW)
        except ShortOfStock:
            assert any(have[sku] < wanted for sku, wanted in basket.items())
        return reference

    @rule(target=orders, earlier=orders, basket=BASKETS)
    def place_instead(self, earlier: uuid.UUID, basket: dict[str, int]) -> uuid.UUID:
        reference = uuid.uuid4()
        try:
            with transaction.atomic():
                holds.hold(
                    reference=reference,
                    quantities=basket,
                    until=UNTIL,
                    by="test",
                    at=NOW,
                    instead_of=[earlier],
                )
        except ShortOfStock:
            assert not StockHold.objects.filter(reference=reference).exists()
        return reference

    @rule(order=orders, what=st.sampled_from([holds.sell, holds.release, holds.put_back]))
    def finish(self, order: uuid.UUID, what: Callable[..., object]) -> None:
        what(reference=order, by="test", at=NOW)

    @rule(order=orders)
    def win_back(self, order: uuid.UUID) -> None:
        lines = StockHold.objects.filter(reference=order)
        before = sorted(lines.values_list("pk", "status"))
        try:
            holds.secure(reference=order, until=UNTIL, by="test", at=NOW)
        except ShortOfStock:
            assert sorted(lines.values_list("pk", "status")) == before
        else:
            assert not lines.filter(status=HoldStatus.RELEASED).exists()

    @rule(sku=SKUS, on_hand=st.integers(0, 9))
    def count(self, sku: str, on_hand: int) -> None:
        held = Stock.objects.get(sku=sku).held
        try:
            holds.set_stock(sku=sku, on_hand=on_hand, by="test")
        except StockIsHeld:
            assert on_hand < held

    @invariant()
    def movements_add_up(self) -> None:
        sums = Stock.objects.annotate(
            moved=Sum("movements__on_hand_change", default=0),
            moved_held=Sum("movements__held_change", default=0),
        )
        for on_hand, moved in sums.values_list("on_hand", "moved"):
            assert on_hand == moved
        for held, moved in sums.values_list("held", "moved_held"):
            assert held == moved

    @invariant()
    def what_is_held_is_held_by_orders(self) -> None:
        open_holds = StockHold.objects.filter(status=HoldStatus.HELD)
        by_sku = dict(open_holds.values_list("stock").annotate(Sum("quantity")))
        assert {s.sku: s.held for s in Stock.objects.filter(held__gt=0)} == by_sku


@pytest.mark.django_db
def test_movements_always_add_up_to_the_stock() -> None:
    run_state_machine_as_test(
        StockRoom, settings=settings(max_examples=20, stateful_step_count=15, deadline=None)
    )
