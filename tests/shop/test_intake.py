"""The bounded executor in front of place_order()."""

import logging
import threading
import time
from collections.abc import Generator
from concurrent.futures import Future, wait

import pytest
from django.db import connection

from orders.models import Order
from shop import intake, intake_figures
from shop.checkout import place_order
from shop.intake import Intake, Overloaded, PlacementFailed
from shop.placement import LinesUnavailable, Placement
from tests.factories import VariantFactory, placement

pytestmark = pytest.mark.django_db(transaction=True)

_PATIENCE_SECONDS = 30


class Gate:
    """Stands in front of the real place_order: counts who is inside, lets them on when opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self._change = threading.Condition()
        self.inside = self.most = 0

    def place_order(self, wish: Placement) -> Order:
        with self._change:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self._change.notify_all()
        try:
            assert self.opened.wait(_PATIENCE_SECONDS)
            return place_order(wish)
        finally:
            with self._change:
                self.inside -= 1

    def wait_until_inside(self, number: int) -> None:
        with self._change:
            assert self._change.wait_for(lambda: self.inside >= number, _PATIENCE_SECONDS)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Generator[Gate]:
    gate = Gate()
    monkeypatch.setattr(intake, "place_order", gate.place_order)
    yield gate
    gate.opened.set()


@pytest.fixture
def small() -> Generator[Intake]:
    """An executor of two workers behind a queue of three."""
    small = Intake(workers=2, queue=3)
    yield small
    small._pool.shutdown()


def submit(small: Intake, wish: Placement) -> Future[Order | None]:
    return small.submit(lambda: wish).future


def fill(small: Intake, gate: Gate) -> list[Future[Order | None]]:
    tea = VariantFactory.create(stock=100)
    futures = [submit(small, placement(tea)) for _ in range(5)]
    gate.wait_until_inside(2)
    return futures


def test_full_queue_refuses_at_once_and_costs_no_query(small: Intake, gate: Gate) -> None:
    fill(small, gate)
    wish = placement()
    with pytest.raises(Overloaded) as refusal, connection.execute_wrapper(_no_query):
        submit(small, wish)
    assert refusal.value.retry_after >= 1


def _no_query(*_: object) -> object:
    pytest.fail("A refused placement asked the database.")


def test_no_more_than_its_workers_place_at_once(small: Intake, gate: Gate) -> None:
    futures = fill(small, gate)
    gate.opened.set()
    wait(futures, _PATIENCE_SECONDS)
    assert gate.most == 2
    assert Order.objects.count() == 5


def test_place_is_free_again_when_a_placement_is_done(small: Intake, gate: Gate) -> None:
    futures = fill(small, gate)
    gate.opened.set()
    wait(futures, _PATIENCE_SECONDS)
    again = [submit(small, placement(VariantFactory.create())) for _ in range(5)]
    orders = [future.result(_PATIENCE_SECONDS) for future in again]
    assert [order and order.status for order in orders] == ["PENDING"] * 5


def test_refusals_and_errors_reach_who_asked_and_free_the_place(small: Intake) -> None:
    sold_out = placement(VariantFactory.create(stock=0))
    for _ in range(8):
        with pytest.raises(LinesUnavailable):
            submit(small, sold_out).result(_PATIENCE_SECONDS)


def test_unexpected_error_reaches_who_asked(small: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "place_order", _divide)
    with pytest.raises(PlacementFailed) as failure:
        submit(small, placement()).result(_PATIENCE_SECONDS)
    assert isinstance(failure.value.__cause__, ZeroDivisionError)


def _divide(_: Placement) -> Order:
    raise ZeroDivisionError


def test_nothing_is_put_together_for_a_refusal(small: Intake, gate: Gate) -> None:
    fill(small, gate)
    with pytest.raises(Overloaded):
        small.submit(lambda: pytest.fail("put together all the same"))


def test_each_change_of_state_is_one_line(
    small: Intake, gate: Gate, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "shop.intake_figures")
    fill(small, gate)
    for _ in range(3):
        with pytest.raises(Overloaded):
            submit(small, placement())
    small.figures.calm_down()
    monkeypatch.setattr(intake_figures, "_CALM_SECONDS", 0)
    small.figures.calm_down()
    changes = [line.split(" (")[0] for line in caplog.messages]
    assert changes == ["Intake: ok → busy", "Intake: busy → refusing", "Intake: refusing → ok"]


def test_workers_keep_no_connection(small: Intake) -> None:
    tea = VariantFactory.create(stock=100)
    before = _connections()
    for _ in range(4):
        submit(small, placement(tea)).result(_PATIENCE_SECONDS)
    deadline = time.monotonic() + _PATIENCE_SECONDS  # a backend takes a moment to leave
    while _connections() > before:
        assert time.monotonic() < deadline


def _connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        (number,) = cursor.fetchone()
    return int(number)


def test_waiting_request_holds_no_connection(
    small: Intake, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_intake", small)
    wish = placement(VariantFactory.create())
    holding: list[bool] = []

    def wait_and_note(futures: list[Future[Order]], seconds: float) -> None:
        holding.append(connection.connection is not None)
        wait(futures, seconds)

    def request() -> None:
        connection.ensure_connection()
        intake.place(lambda: wish)

    monkeypatch.setattr(intake, "wait", wait_and_note)
    thread = threading.Thread(target=request)
    thread.start()
    gate.wait_until_inside(1)
    gate.opened.set()
    thread.join(_PATIENCE_SECONDS)
    assert holding == [False]
    assert Order.objects.count() == 1


def test_one_executor_for_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "_intake", None)
    found = {id(intake.intake()) for _ in range(3)}
    assert len(found) == 1
    intake.intake()._pool.shutdown()
