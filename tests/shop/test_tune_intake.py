"""tune_intake: real placements in a database of its own; a table, a drawing and a reason."""

from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from orders.models import Order
from shop.tuning.load import Load
from shop.tuning.processes import divide
from shop.tuning.sweep import Result, Row, advise


def result(rate: float) -> Result:
    return Result(rate, 1, 2, 3)


def shares(workers: int, customers: int) -> list[tuple[int, int]]:
    loads = divide(Load(workers, customers, ("A",), 1), 2)
    return [(load.workers, load.customers) for load in loads]


def databases() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'ganh_throwaway_%'")
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.django_db(transaction=True)
def test_table_drawing_and_advice_and_nothing_left_behind(tmp_path: Path) -> None:
    told, svg, before = StringIO(), tmp_path / "curve.svg", databases()

    call_command("tune_intake", "--sizes=1,2", "--seconds=1", f"--svg={svg}", stdout=told)

    rows = [line.split() for line in told.getvalue().splitlines() if "orders" not in line]
    assert [row[0] for row in rows if row and row[0] in {"1", "2", "none"}] == ["1", "2", "none"]
    assert "INTAKE_WORKERS=" in told.getvalue()
    assert ElementTree.parse(svg).getroot().tag.endswith("svg")
    assert Order.objects.count() == 0
    assert databases() <= before


def test_fewest_workers_close_to_the_best_rate_are_advised() -> None:
    rates = {1: 100, 2: 190, 5: 196, 10: 200, 20: 150, 0: 300}
    rows = [Row(workers, result(rate), result(1)) for workers, rate in rates.items()]
    assert advise(rows).workers == 2


def test_customers_go_where_somebody_works_for_them() -> None:
    assert shares(5, 40) == [(3, 20), (2, 20)]
    assert shares(1, 40) == [(1, 40), (0, 0)]
    assert shares(0, 40) == [(0, 20), (0, 20)]


@pytest.mark.parametrize("sizes", ["0", "5-1", "x", "1-201", "", "1,,2"])
def test_wrong_sizes_are_refused(sizes: str) -> None:
    with pytest.raises(CommandError, match="sizes"):
        call_command("tune_intake", f"--sizes={sizes}")
