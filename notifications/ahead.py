"""Make what is needed next while the present one waits for another machine."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")

_AHEAD = 2


def made_ahead(
    pool: Executor, make: Callable[[Item], Made], items: Iterable[Item]
) -> Generator[tuple[Item, Future[Made]]]:
    """Yield each item, in order, with what is made of it; the pool makes the next ones meanwhile.

    Closing it leaves unmade what has not been begun.
    """
    waiting: deque[tuple[Item, Future[Made]]] = deque()
    try:
        for item in items:
            waiting.append((item, pool.submit(make, item)))
            if len(waiting) > _AHEAD:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()
    finally:
        for _, future in waiting:
            future.cancel()
