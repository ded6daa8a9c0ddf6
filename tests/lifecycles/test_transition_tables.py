"""The transition tables, held twice: by the code that moves a state, and by PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import pytest
from django.db import DatabaseError, InternalError, connection, models, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory import holds
from inventory.lifecycle import HOLD_TRANSITIONS, HoldStatus
from inventory.models import StockHold, StockMovement
from lifecycles import IllegalTransition, Transitions
from notifications.models import Event
from orders.lifecycle import ORDER_TRANSITIONS, FailureReason, OrderStatus
from orders.models import Order, OrderTransition
from payments.lifecycle import PAYMENT_TRANSITIONS, PaymentStatus
from payments.models import Payment, PaymentTransition
from tests.factories import placed_order

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Machine:
    """One kind of row with a state; raw SQL moves every row there is of it."""

    model: type[models.Model]
    transitions: Transitions
    initial: str
    also: str = ""  # what another rule asks to be set together with the state

    def move(self, new: str) -> None:
        with connection.cursor() as cursor:
            table = self.model._meta.db_table
            cursor.execute(f"UPDATE {table} SET status = %(new)s {self.also}", {"new": new})

    def move_all(self, steps: list[str]) -> None:
        for step in steps:
            self.move(step)

    def accepts(self, old: str, new: str) -> bool:
        """Say whether PostgreSQL lets a row go from `old` to `new`."""
        with undone():
            self.move_all(self.way_to(old))
            try:
                with transaction.atomic():
                    self.move(new)
            except InternalError:
                return False
            return True

    def way_to(self, goal: str) -> list[str]:
        """Return legal steps from the start to the goal."""
        ways: dict[str, list[str]] = {self.initial: []}
        for state in (reached := [self.initial]):
            for following in self.transitions[state] - ways.keys():
                ways[following] = [*ways[state], following]
                reached.append(following)
        return ways[goal]


_REASON = ", reason = CASE WHEN %(new)s = 'FAILED' THEN 'expired' ELSE '' END"
_MACHINES = [
    Machine(Order, ORDER_TRANSITIONS, OrderStatus.PENDING, _REASON),
    Machine(Payment, PAYMENT_TRANSITIONS, PaymentStatus.PENDING),
    Machine(StockHold, HOLD_TRANSITIONS, HoldStatus.HELD),
]
each_machine = pytest.mark.parametrize("machine", _MACHINES, ids=lambda m: m.model.__name__)


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@each_machine
def test_postgres_allows_exactly_the_steps_of_the_table(machine: Machine) -> None:
    placed_order()
    states = machine.transitions
    steps = {(old, new) for old in states for new in states if old != new}
    allowed = {step for step in steps if machine.accepts(*step)}
    assert allowed == {(old, new) for old in states for new in states[old]}


@each_machine
def test_postgres_refuses_every_start_but_the_first_state(machine: Machine) -> None:
    placed_order()
    row = machine.model._default_manager.values().get()
    for state in machine.transitions.keys() - {machine.initial}:
        with pytest.raises(DatabaseError, match="Cannot insert"), transaction.atomic():
            machine.model(**{**row, "id": None, "status": state}).save(force_insert=True)


@each_machine
def test_postgres_refuses_a_state_nobody_knows(machine: Machine) -> None:
    placed_order()
    with pytest.raises(DatabaseError), transaction.atomic():
        machine.move("LOST")


@pytest.mark.parametrize("model", [OrderTransition, PaymentTransition, StockMovement, Event])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_postgres_keeps_history_as_it_was_written(
    model: type[models.Model], statement: str
) -> None:
    placed_order()
    if model is Event and statement.startswith("UPDATE"):
        statement = "UPDATE {} SET type = 'order.shipped'"
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(model._meta.db_table))


@pytest.fixture
def order() -> Order:
    """Place the order that every example begins with anew: each is rolled back."""
    return placed_order()


examples = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _history(row: Order | Payment) -> list[tuple[str, str]]:
    return [(step.old, step.new) for step in row.transitions.all()]


@examples
@given(wishes=st.lists(st.sampled_from(OrderStatus), max_size=8))
def test_no_sequence_of_moves_takes_an_order_off_its_table(
    order: Order, wishes: list[OrderStatus]
) -> None:
    with undone():
        order.refresh_from_db()
        for wish in wishes:
            was = order.status
            reason = FailureReason.EXPIRED if wish == OrderStatus.FAILED else None
            try:
                moved = order.move_to(wish, by="test", at=timezone.now(), reason=reason)
            except IllegalTransition:
                assert wish not in ORDER_TRANSITIONS[was]
                assert order.status == was
            else:
                assert moved == (wish != was)
        _check_history(order, ORDER_TRANSITIONS)


@examples
@given(wishes=st.lists(st.sampled_from(PaymentStatus), max_size=8))
def test_no_sequence_of_moves_takes_a_payment_off_its_table(
    order: Order, wishes: list[PaymentStatus]
) -> None:
    with undone():
        payment = Payment.objects.get(order=order)
        for wish in wishes:
            was = payment.status
            try:
                moved = payment.move_to(wish, by="test", at=timezone.now())
            except IllegalTransition:
                assert wish not in PAYMENT_TRANSITIONS[was]
                assert payment.status == was
            else:
                assert moved == (wish != was)
        _check_history(payment, PAYMENT_TRANSITIONS)


@examples
@given(wishes=st.lists(st.sampled_from(["sell", "release", "secure", "put_back"]), max_size=8))
def test_no_sequence_of_moves_takes_a_hold_off_its_table(order: Order, wishes: list[str]) -> None:
    with undone():
        now, reference = timezone.now(), order.transaction_id
        for wish in wishes:
            was = StockHold.objects.get(reference=reference).status
            until = {"until": now} if wish == "secure" else {}
            getattr(holds, wish)(reference=reference, by="test", at=now, **until)
            became = StockHold.objects.get(reference=reference).status
            assert became == was or became in HOLD_TRANSITIONS[was]


def _check_history(row: Order | Payment, transitions: Transitions) -> None:
    """The row's history leads step by step along the table to where it stands."""
    steps = _history(row)
    assert steps[0] == ("", "PENDING")
    for (_, before), (old, new) in pairwise(steps):
        assert old == before
        assert new in transitions[old]
    row.refresh_from_db()
    assert row.status == steps[-1][1]
