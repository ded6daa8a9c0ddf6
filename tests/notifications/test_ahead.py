"""What is made ahead: in order, never far, and nothing once nobody wants it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from notifications.ahead import made_ahead


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def test_items_come_in_order_with_what_was_made_of_them(pool: ThreadPoolExecutor) -> None:
    made = [(item, future.result()) for item, future in made_ahead(pool, str, range(5))]
    assert made == [(0, "0"), (1, "1"), (2, "2"), (3, "3"), (4, "4")]


def test_an_error_is_raised_where_its_item_is_used(pool: ThreadPoolExecutor) -> None:
    futures = [future for _, future in made_ahead(pool, lambda item: 1 / item, [1, 0, 2])]
    assert futures[0].result() == 1
    with pytest.raises(ZeroDivisionError):
        futures[1].result()
    assert futures[2].result() == 0.5


def test_what_nobody_comes_to_is_not_made(pool: ThreadPoolExecutor) -> None:
    made: list[int] = []
    with closing(made_ahead(pool, made.append, range(100))) as items:
        for item, future in items:
            future.result()
            if item == 10:
                break
    pool.shutdown()
    assert len(made) < 20
