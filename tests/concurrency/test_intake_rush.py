"""A rush on the executor: many buyers, few pieces, real threads, books that balance."""

from collections import Counter
from collections.abc import Generator, Sequence
from concurrent.futures import wait
from contextlib import closing
from functools import partial

import pytest

from inventory.models import Stock
from orders.models import Order
from shop.books import check_books
from shop.intake import Intake
from shop.placement import Placement
from tests.factories import VariantFactory, placement
from tests.paying import on_shelf
from tests.together import together

pytestmark = pytest.mark.django_db(transaction=True)


class Rush:
    """An executor of five workers, and what became of what it was given."""

    def __init__(self) -> None:
        self._intake = Intake(workers=5, queue=200)

    def outcomes(self, wishes: Sequence[Placement]) -> Counter[str]:
        futures = [self._intake.submit(lambda wish=wish: wish).future for wish in wishes]  # type: ignore[misc]
        wait(futures, 60)
        errors = [future.exception(0) for future in futures]
        return Counter(type(error).__name__ if error else "Order" for error in errors)

    def close(self) -> None:
        self._intake._pool.shutdown()


@pytest.fixture
def rush() -> Generator[Rush]:
    with closing(Rush()) as rush:
        yield rush


def test_twenty_buyers_for_the_last_one(rush: Rush) -> None:
    tea = VariantFactory.create(stock=1)
    outcomes = rush.outcomes([placement(tea) for _ in range(20)])
    assert outcomes == {"Order": 1, "LinesUnavailable": 19}
    assert on_shelf(tea.sku) == (1, 1)
    assert check_books().is_balanced


def test_eighty_buyers_for_fifty(rush: Rush) -> None:
    tea = VariantFactory.create(stock=50)
    outcomes = rush.outcomes([placement(tea) for _ in range(80)])
    assert outcomes == {"Order": 50, "LinesUnavailable": 30}
    assert on_shelf(tea.sku) == (50, 50)
    assert check_books().is_balanced


def test_carts_in_opposite_order_never_deadlock(rush: Rush) -> None:
    tea, cup = VariantFactory.create(stock=100), VariantFactory.create(stock=100)
    there, back = ((tea.sku, 1), (cup.sku, 1)), ((cup.sku, 1), (tea.sku, 1))
    wishes = [placement(tea, items=pair) for _ in range(30) for pair in (there, back)]
    assert rush.outcomes(wishes) == {"Order": 60}
    assert set(Stock.objects.values_list("held", flat=True)) == {60}
    assert check_books().is_balanced


def test_a_double_click_through_the_executor_makes_one_order(rush: Rush) -> None:
    wish = placement(VariantFactory.create(stock=10))
    clicks = together([partial(rush.outcomes, [wish])] * 8)
    assert clicks == [Counter(Order=1)] * 8
    assert Order.objects.count() == 1
