"""Long histories of several orders that want the same few pieces, found by hypothesis."""

from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from devtools.chaos.histories import HEALINGS, heal, is_at_rest
from devtools.chaos.points import watched
from devtools.chaos.verdict import problems
from devtools.chaos.world import DEEDS, QUANTITY, Surroundings, World, new_order, new_variant
from inventory.models import Stock
from orders.lifecycle import OrderStatus
from shop.books import check_books
from shop.models import Variant
from shop.placement import LinesUnavailable

pytestmark = pytest.mark.timeout(600)

# Enough for two orders; more want it.
_PIECES = QUANTITY * 2
_RARELY_DIES = st.none() | st.none() | st.none() | st.integers(1, 12)
_SETTINGS = settings(
    max_examples=6,
    stateful_step_count=14,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


class ScarceStock(RuleBasedStateMachine):
    """Customers compete; processes die; the books balance all the time."""

    worlds = Bundle("worlds")

    def __init__(self, around: Surroundings) -> None:
        super().__init__()
        self._around = around
        self._variant: Variant = new_variant(around.product_id, pieces=_PIECES)
        self._placed: list[World] = []
        self._watch = ExitStack()
        self._watch.enter_context(watched(around.points))

    @initialize(target=worlds)
    def place_first(self) -> World:
        return self._place()

    @rule(target=worlds)
    def place(self) -> object:
        self._around.points.arm(None)
        try:
            return self._place()
        except LinesUnavailable:
            return multiple()

    @rule(world=worlds, deed=st.sampled_from(sorted(DEEDS)), die_at=_RARELY_DIES)
    def do(self, world: World, deed: str, die_at: int | None) -> None:
        world.do(deed, die_at=die_at)

    @invariant()
    def books_balance(self) -> None:
        findings = [one for one in check_books().findings if one.violations]
        assert findings == []

    def teardown(self) -> None:
        for healing in HEALINGS["late"], HEALINGS["soon"]:
            for world in self._placed:
                heal(world, healing)
        self._watch.close()
        assert all(is_at_rest(world) for world in self._placed)
        wrong = [sentence for world in self._placed for sentence in problems(world)]
        assert wrong == []
        self._check_shelf()

    def _place(self) -> World:
        order = new_order(self._variant)
        world = World(self._around, order, self._variant.sku, shares_stock=True)
        self._placed.append(world)
        return world

    def _check_shelf(self) -> None:
        stock = Stock.objects.get(sku=self._variant.sku)
        sold = sum(QUANTITY for w in self._placed if w.order.status == OrderStatus.SUCCESS)
        taken = sum(world.taken for world in self._placed)
        assert (stock.on_hand, stock.held) == (_PIECES - taken - sold, 0)


def test_orders_that_compete_for_scarce_stock_end_well(around: Surroundings) -> None:
    run_state_machine_as_test(
        lambda: ScarceStock(around),  # type: ignore[arg-type]  # whatever makes one will do
        settings=_SETTINGS,
    )
