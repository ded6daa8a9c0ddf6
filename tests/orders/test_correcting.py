"""Notes and corrections by staff."""

import pytest
from django.utils import timezone

from notifications.models import Event
from orders.correcting import Shipment, add_note, correct_order
from orders.fulfilment import NoteMissing, ship_order
from orders.lifecycle import OrderStatus
from orders.models import Order
from tests.factories import contact, placed_order
from tests.paying import events_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    order = placed_order()
    order.move_to(OrderStatus.SUCCESS, by="test", at=timezone.now())
    return order


def ship(order: Order) -> None:
    ship_order(order_id=order.pk, carrier="VNPost", tracking_number="EE123", by="Lan")


def test_a_note_is_kept_with_its_writer(order: Order) -> None:
    add_note(order_id=order.pk, text=" Ring twice. ", by="Lan")
    note = order.notes.get()
    assert (note.text, note.by) == ("Ring twice.", "Lan")


def test_an_empty_note_is_none(order: Order) -> None:
    with pytest.raises(NoteMissing):
        add_note(order_id=order.pk, text=" \n", by="Lan")


def test_a_correction_is_remembered_without_telling_the_old_address(order: Order) -> None:
    right = contact(email="mai@example.com", line1="14 Hàng Gai")
    for _ in range(2):
        correct_order(order_id=order.pk, contact=right, by="Lan")
    order.refresh_from_db()
    assert (order.email, order.line1) == ("mai@example.com", "14 Hàng Gai")
    note = order.notes.get()
    assert (note.text, note.by) == ("Corrected: email, line1", "Lan")


def test_a_corrected_tracking_number_is_told_anew(order: Order) -> None:
    ship(order)
    right = Shipment(carrier="VNPost", tracking_number="EE124")
    for _ in range(2):
        correct_order(order_id=order.pk, contact=contact(), shipment=right, by="Lan")
    assert events_of(order) == ["order.shipped", "order.shipped"]
    last = Event.objects.filter(type="order.shipped").latest("recorded_at")
    assert last.personal["shipment"]["tracking_number"] == "EE124"


def test_a_corrected_address_alone_is_not_told(order: Order) -> None:
    ship(order)
    same = Shipment(carrier="VNPost", tracking_number="EE123")
    correct_order(order_id=order.pk, contact=contact(city="Huế"), shipment=same, by="Lan")
    assert events_of(order) == ["order.shipped"]


def test_what_was_not_shipped_has_no_tracking_number(order: Order) -> None:
    wrong = Shipment(carrier="VNPost", tracking_number="EE124")
    correct_order(order_id=order.pk, contact=contact(), shipment=wrong, by="Lan")
    order.refresh_from_db()
    assert order.tracking_number == ""
