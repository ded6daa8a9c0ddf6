"""Shipping and delivering: what staff do with a paid order."""

from datetime import timedelta

import pytest
from django.utils import timezone
from time_machine import travel

from lifecycles import IllegalTransition
from notifications.models import Event
from orders.flags import REFUSING_TO_SHIP, Flag
from orders.fulfilment import (
    Flagged,
    NoteMissing,
    TooLate,
    clear_flag,
    mark_delivered,
    ship_order,
    undo_ship,
)
from orders.lifecycle import OrderStatus
from orders.models import Order
from tests.factories import placed_order
from tests.paying import events_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    order = placed_order()
    order.move_to(OrderStatus.SUCCESS, by="test", at=timezone.now())
    return order


def ship(order: Order) -> None:
    ship_order(order_id=order.pk, carrier="VNPost", tracking_number="EE123", by="Lan")


def test_shipping_is_told_with_carrier_and_number(order: Order) -> None:
    ship(order)
    order.refresh_from_db()
    assert order.status == "SHIPPED"
    event = Event.objects.get(type="order.shipped")
    assert event.personal["shipment"] == {
        "carrier": "VNPost",
        "tracking_number": "EE123",
        "tracking_url": "https://vnpost.vn/vi-vn/dinh-vi/buu-pham?key=EE123",
    }


def test_a_second_click_ships_nothing_more(order: Order) -> None:
    for _ in range(2):
        ship(order)
    mark_delivered(order_id=order.pk, by="Lan")
    mark_delivered(order_id=order.pk, by="Lan")
    assert events_of(order) == ["order.shipped", "order.delivered"]


def test_an_unpaid_order_is_not_shipped() -> None:
    with pytest.raises(IllegalTransition):
        ship(placed_order())


def test_shipping_can_be_undone_within_an_hour(order: Order) -> None:
    ship(order)
    for _ in range(2):
        undo_ship(order_id=order.pk, by="Lan")
    ship(order)
    assert events_of(order) == ["order.shipped", "order.ship_undone", "order.shipped"]


def test_shipping_cannot_be_undone_later(order: Order) -> None:
    ship(order)
    with (
        travel(timezone.now() + timedelta(hours=1, seconds=1), tick=False),
        pytest.raises(TooLate),
    ):
        undo_ship(order_id=order.pk, by="Lan")


def test_what_was_delivered_is_not_undone(order: Order) -> None:
    ship(order)
    mark_delivered(order_id=order.pk, by="Lan")
    with pytest.raises(IllegalTransition):
        undo_ship(order_id=order.pk, by="Lan")


@pytest.mark.parametrize("flag", Flag)
def test_three_flags_alone_refuse_to_ship(order: Order, flag: Flag) -> None:
    order.raise_flag(flag)
    if flag not in REFUSING_TO_SHIP:
        ship(order)
        return
    with pytest.raises(Flagged):
        ship(order)
    clear_flag(order_id=order.pk, note="Spoke with the customer.", by="Lan")
    ship(order)


def test_clearing_a_flag_is_remembered_with_its_reason(order: Order) -> None:
    order.raise_flag(Flag.DISPUTED)
    with pytest.raises(NoteMissing):
        clear_flag(order_id=order.pk, note=" ", by="Lan")
    for _ in range(2):
        clear_flag(order_id=order.pk, note="Settled by telephone.", by="Lan")
    note = order.notes.get()
    assert (note.text, note.by) == ("Flag disputed cleared: Settled by telephone.", "Lan")


def test_a_heavier_flag_replaces_a_lighter_and_not_the_other_way(order: Order) -> None:
    for flag in (Flag.STRAY_MONEY, Flag.DISPUTED, Flag.REFUND_FAILED):
        order.raise_flag(flag)
    order.refresh_from_db()
    assert order.flag == "disputed"
