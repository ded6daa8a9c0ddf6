"""Real processes: two that settle one order at once, and one killed anywhere with SIGKILL."""

import os
from collections.abc import Generator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection

from devtools.chaos.company import Company
from devtools.chaos.histories import Chronicle
from devtools.chaos.trials import CASES, kill_everywhere, settle_at_once
from devtools.chaos.world import Surroundings

pytestmark = pytest.mark.timeout(600)

_ROUNDS = 20


@pytest.fixture
def company(around: Surroundings, tmp_path: Path) -> Generator[Company]:
    given = urlsplit(os.environ["DATABASE_URL"])
    address = given._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    variables = {"DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    with Company(tmp_path / "log", around.clocks, variables) as company:
        yield company


@pytest.fixture
def chronicle(around: Surroundings) -> Chronicle:
    return Chronicle(around)


def test_two_processes_settling_one_order_take_its_money_once(
    chronicle: Chronicle, around: Surroundings, company: Company
) -> None:
    for n in range(_ROUNDS):
        settle_at_once(chronicle, around, company, n)
    chronicle.check_books()
    assert chronicle.report.wrong == []
    assert chronicle.report.endings["SUCCESS"] >= _ROUNDS * 4 / 5


@pytest.mark.parametrize("case", CASES)
def test_a_process_killed_anywhere_is_healed_by_the_clock(
    chronicle: Chronicle, around: Surroundings, company: Company, case: str
) -> None:
    killed = kill_everywhere(chronicle, around, company, case)
    chronicle.check_books()
    assert chronicle.report.wrong == []
    assert killed >= 1
