"""Staff are told that a SKU runs out once a crossing, in the transaction that crosses."""

import uuid
from collections.abc import Collection
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from inventory import holds
from inventory.holds import set_stock
from inventory.models import Stock
from notifications.models import Event

pytestmark = pytest.mark.django_db

NOW = timezone.now()
LATER = NOW + timedelta(minutes=15)


def hold(quantity: int, *, instead_of: Collection[uuid.UUID] = ()) -> uuid.UUID:
    reference = uuid.uuid4()
    quantities = {"A": quantity}
    holds.hold(
        reference=reference,
        quantities=quantities,
        until=LATER,
        by="test",
        at=NOW,
        instead_of=instead_of,
    )
    return reference


def told() -> list[int]:
    """Return how many were available each time staff were told."""
    events = Event.objects.filter(type="stock.low", subject="A").order_by("recorded_at")
    return [event.body["stock"]["available"] for event in events]


@pytest.fixture(autouse=True)
def _shelf() -> None:
    set_stock(sku="A", on_hand=8, by="test")


def test_staff_are_told_once_a_crossing_and_not_once_a_sale(settings: Settings) -> None:
    settings.STAFF_EMAIL = ["staff@example.com"]
    references = [hold(2), hold(1), hold(1), hold(1)]
    for reference in references:
        holds.sell(reference=reference, by="test", at=NOW)
    event = Event.objects.get(type="stock.low")
    assert event.body["stock"] == {
        "sku": "A",
        "available": 5,
        "on_hand": 8,
        "held": 3,
        "threshold": 5,
    }
    assert event.body["links"]["admin"].endswith("/admin/inventory/stock/A/change/")
    assert [one["role"] for one in event.personal["deliver_to"]] == ["staff"]


def test_after_it_has_risen_again_the_next_crossing_is_told() -> None:
    reference = hold(3)
    holds.release(reference=reference, by="test", at=NOW)
    hold(4)
    assert told() == [5, 4]


def test_winning_back_what_was_released_crosses_too() -> None:
    reference = hold(3)
    holds.release(reference=reference, by="test", at=NOW)
    holds.secure(reference=reference, until=LATER, by="test", at=NOW)
    assert told() == [5, 5]


def test_a_new_hold_instead_of_the_same_one_is_no_crossing() -> None:
    earlier = hold(4)
    hold(5, instead_of=[earlier])
    assert told() == [4]


def test_a_stocktake_may_cross_and_a_delivery_of_goods_does_not() -> None:
    set_stock(sku="A", on_hand=2, by="Lan")
    set_stock(sku="A", on_hand=4, by="Lan")
    assert told() == [2]


def test_a_sku_has_a_threshold_of_its_own() -> None:
    Stock.objects.update(low_stock_threshold=2)
    hold(3)
    hold(3)
    assert told() == [2]


def test_what_is_rolled_back_is_not_told() -> None:
    with transaction.atomic():
        hold(4)
        transaction.set_rollback(True)
    assert told() == []
