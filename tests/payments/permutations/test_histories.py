"""Every order of events around one payment, deaths included, ends with balanced books.

`pytest -rP` shows how many histories were run and where they ended.
"""

import sys
from random import Random

import pytest

from devtools.chaos.histories import RIVALS, Chronicle, draw
from devtools.chaos.world import Surroundings

pytestmark = pytest.mark.timeout(600)

_SEED = 20261
_DRAWN = 40
_SHARES = 4


def _check(chronicle: Chronicle) -> None:
    chronicle.check_books()
    sys.stdout.write("\n".join(chronicle.report.lines()))
    assert chronicle.report.wrong == []


@pytest.mark.parametrize("share", range(_SHARES))
def test_every_deed_with_a_death_at_every_point_ends_well(around: Surroundings, share: int) -> None:
    chronicle = Chronicle(around)
    chronicle.explore(depth=1, share=share, shares=_SHARES)
    _check(chronicle)
    assert chronicle.report.histories > 10


@pytest.mark.parametrize("rival", RIVALS, ids="-".join)
def test_whatever_comes_after_a_return_that_broke_off_ends_well(
    around: Surroundings, rival: tuple[str, ...]
) -> None:
    chronicle = Chronicle(around)
    chronicle.interrupt(rival)
    _check(chronicle)
    assert chronicle.report.deaths >= 6


def test_long_histories_drawn_by_chance_end_well(around: Surroundings) -> None:
    chronicle, random = Chronicle(around), Random(_SEED)
    while chronicle.report.histories < _DRAWN:
        chronicle.run(draw(random))
    _check(chronicle)
