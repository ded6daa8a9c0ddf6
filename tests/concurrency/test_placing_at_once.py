"""Several placements at the same moment, in real threads."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from devtools.paypal.client import Emulator
from inventory.lifecycle import HoldStatus
from inventory.models import StockHold
from orders.models import Order
from payments.models import Payment
from payments.settlement import settle
from shop.checkout import place_order
from shop.placement import ForeignCheckoutKey, LinesUnavailable
from tests.factories import VariantFactory, placement
from tests.paying import approve, on_shelf, standing
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
    tabs = [replace(wish, checkout_key=uuid.uuid4()) for _ in range(20)]
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


@pytest.mark.parametrize("round_", range(4))
def test_changed_wish_while_the_earlier_order_is_paid_ends_as_one_of_both(
    paypal: Emulator, round_: int
) -> None:
    tea = VariantFactory.create(stock=2)
    wish = placement((tea, 2))
    earlier = place_order(wish)
    attempt = approve(earlier)
    both: list[Callable[[], object]] = [
        partial(settle, attempt.pk, by="return"),
        partial(place_order, replace(wish, checkout_key=uuid.uuid4())),
    ]
    _, answer = together(both)
    assert isinstance(answer, Order), answer
    if answer == earlier:
        assert standing(earlier) == ("SUCCESS", "SUCCESS", "")
        assert (on_shelf(tea.sku), len(paypal.captures())) == ((0, 0), 1)
    else:
        assert standing(earlier) == ("FAILED", "FAILED", "superseded")
        assert (on_shelf(tea.sku), len(paypal.captures())) == ((2, 2), 0)
