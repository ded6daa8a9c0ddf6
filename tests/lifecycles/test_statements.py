"""Several writes in one statement."""

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inventory.models import MovementKind, Stock, StockMovement
from lifecycles.statements import insert, next_key, one_statement, update, write
from notifications.models import Event, OutboxEntry
from orders.models import Order, OrderLine, OrderTransition
from payments.models import Payment
from tests.factories import placed_order

pytestmark = pytest.mark.django_db


def event(subject: str) -> Event:
    return Event(type="order.placed", subject=subject, body={"a": ["é", None]}, personal={})


@pytest.mark.parametrize("model", [Order, OrderLine, OrderTransition, Payment, Event, OutboxEntry])
def test_rows_are_stored_as_the_orm_stores_them(model: type[models.Model]) -> None:
    placed_order(locale="vi")
    row = model._default_manager.get()
    before = model._default_manager.values().get()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # or history is not deleted
        cursor.execute(f"DELETE FROM {model._meta.db_table}")
        cursor.execute("SET session_replication_role = DEFAULT")
    write(insert(row))
    assert model._default_manager.values().get() == before


def test_several_writes_are_one_statement() -> None:
    with CaptureQueriesContext(connection) as queries, one_statement():
        events = [event("G-1"), event("G-2")]
        write(insert(*events))
        write(insert(*(OutboxEntry(event=one) for one in events)))
    assert len(queries) == 1
    told = OutboxEntry.objects.order_by("pk").values_list("event__subject", flat=True)
    assert list(told) == ["G-1", "G-2"]


def test_an_error_among_several_writes_leaves_none() -> None:
    def write_and_fail() -> None:
        with one_statement():
            write(insert(event("G-1")))
            raise LookupError

    with pytest.raises(LookupError):
        write_and_fail()
    write(insert(event("G-2")))
    assert Event.objects.get().subject == "G-2"


def test_rows_of_one_statement_may_point_to_each_other() -> None:
    stock = Stock(sku="A", on_hand=3)
    movement = StockMovement(
        pk=next_key(StockMovement),
        stock=stock,
        kind=MovementKind.STOCKTAKE,
        on_hand_change=3,
        by="test",
        moved_at=timezone.now(),
    )
    write(insert(stock), insert(movement))
    assert StockMovement.objects.get(stock=stock).pk == movement.pk
    assert next_key(StockMovement) > movement.pk


@pytest.mark.parametrize("hostile", ["'; DROP TABLE orders_order; --", "%s", "%(sku)s", "\\", '"'])
def test_what_is_written_is_never_taken_for_sql(hostile: str) -> None:
    order = placed_order()
    order.full_name = hostile
    write(update(order, "full_name"), insert(event(hostile)))
    assert Order.objects.get(number=order.number).full_name == hostile
    assert Event.objects.latest("recorded_at").subject == hostile


def test_inserted_row_can_be_saved_again() -> None:
    order = placed_order()
    order.city = "Huế"
    order.save()
    assert Order.objects.get().city == "Huế"
