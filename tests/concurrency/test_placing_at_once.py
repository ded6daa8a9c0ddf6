"""Several placements at the same moment, in real threads."""

import uuid
from dataclasses import replace
from functools import partial

import pytest

from inventory.lifecycle import HoldStatus
from inventory.models import StockHold
from orders.models import Order
from payments.models import Payment
from shop.checkout import ForeignCheckoutKey, LinesUnavailable, place_order
from tests.factories import VariantFactory, placement
from tests.paying import on_shelf
from tests.together import together

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_form_sent_eight_times_at_once_makes_one_order() -> None:
    tea = VariantFactory.create(stock=10)
    outcomes = together([partial(place_order, placement((tea, 2)))] * 8)
    assert {getattr(one, "pk", one) for one in outcomes} == {Order.objects.get().pk}
    assert Payment.objects.count() == 1
    assert on_shelf(tea.sku) == (10, 2)


def test_tabs_of_one_cart_at_once_leave_one_order_with_its_holds() -> None:
    tea = VariantFactory.create(stock=2)
    wish = placement((tea, 2))
    tabs = [replace(wish, checkout_key=uuid.uuid4()) for _ in range(6)]
    outcomes = together([partial(place_order, tab) for tab in tabs])
    assert all(isinstance(one, Order) for one in outcomes), outcomes
    pending = Order.objects.get(status="PENDING")
    assert set(Order.objects.exclude(pk=pending.pk).values_list("reason", flat=True)) == {
        "superseded"
    }
    assert StockHold.objects.get(status=HoldStatus.HELD).reference == pending.transaction_id
    assert on_shelf(tea.sku) == (2, 2)


def test_last_item_goes_to_one_of_eight_customers() -> None:
    tea = VariantFactory.create(stock=1)
    outcomes = together([partial(place_order, placement(tea)) for _ in range(8)])
    assert sum(isinstance(one, LinesUnavailable) for one in outcomes) == 7
    assert Order.objects.count() == 1
    assert on_shelf(tea.sku) == (1, 1)


def test_one_key_from_two_carts_at_once_belongs_to_one_of_them() -> None:
    tea = VariantFactory.create(stock=10)
    wish = placement(tea)
    carts = [replace(wish, cart_id=uuid.uuid4()) for _ in range(6)]
    outcomes = together([partial(place_order, cart) for cart in carts])
    assert sum(isinstance(one, ForeignCheckoutKey) for one in outcomes) == 5, outcomes
    assert Order.objects.count() == 1
