"""Several transactions at the same stock, in real threads."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

import pytest
from django.db import transaction
from django.utils import timezone

from inventory import holds
from inventory.holds import ShortOfStock, set_stock
from inventory.models import Stock, StockHold, StockMovement
from tests.together import together

pytestmark = pytest.mark.django_db(transaction=True)


def hold(quantities: Mapping[str, int]) -> uuid.UUID:
    reference, now = uuid.uuid4(), timezone.now()
    with transaction.atomic():
        holds.hold(
            reference=reference,
            quantities=quantities,
            until=now + timedelta(minutes=15),
            by="test",
            at=now,
        )
    return reference


def test_last_item_goes_to_exactly_one() -> None:
    set_stock(sku="A", on_hand=1, by="test")
    outcomes = together([partial(hold, {"A": 1})] * 8)
    assert sum(isinstance(one, ShortOfStock) for one in outcomes) == 7, outcomes
    assert StockHold.objects.count() == 1
    assert Stock.objects.get().held == 1


def test_eight_buyers_of_five_pieces_get_five() -> None:
    set_stock(sku="A", on_hand=5, by="test")
    outcomes = together([partial(hold, {"A": 1})] * 8)
    assert sum(isinstance(one, uuid.UUID) for one in outcomes) == 5
    assert StockMovement.objects.filter(kind="hold").count() == 5


def test_baskets_in_opposite_order_never_deadlock() -> None:
    skus = [f"S{n}" for n in range(6)]
    for sku in skus:
        set_stock(sku=sku, on_hand=100, by="test")
    baskets = [dict.fromkeys(skus, 1), dict.fromkeys(reversed(skus), 1)]
    for _ in range(5):
        outcomes = together([partial(hold, basket) for basket in baskets * 3])
        assert all(isinstance(one, uuid.UUID) for one in outcomes), outcomes
    assert set(Stock.objects.values_list("held", flat=True)) == {30}


def test_taking_over_holds_in_opposite_order_never_deadlocks() -> None:
    for sku in ("A", "B"):
        set_stock(sku=sku, on_hand=100, by="test")
    for _ in range(5):
        firsts = [hold({"A": 1}), hold({"B": 1})]
        wanted = [{"B": 1}, {"A": 1}]
        outcomes = together(
            [partial(_take_over, *pair) for pair in zip(firsts, wanted, strict=True)]
        )
        assert outcomes == [None, None]


def _take_over(earlier: uuid.UUID, quantities: Mapping[str, int]) -> None:
    now = timezone.now()
    with transaction.atomic():
        holds.hold(
            reference=uuid.uuid4(),
            quantities=quantities,
            until=now,
            by="test",
            at=now,
            instead_of=[earlier],
        )
