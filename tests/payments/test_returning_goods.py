"""Goods that come back: lines, stock and money move together, and never more than was shipped."""

import uuid
from decimal import Decimal

import pytest

from devtools.paypal.client import Emulator
from inventory.models import MovementKind, StockHold, StockMovement
from inventory.returns import MoreThanSold
from orders.fulfilment import GoodsCameBack, ship_order, undo_ship
from orders.models import Order, OrderReturn
from payments.models import Refund
from payments.refunds import RefundTooLarge
from payments.returning_goods import ReturnedPieces, ReturnRefused, record_return
from payments.settlement import settle
from shop.models import Variant
from tests.factories import VariantFactory, placed_order
from tests.paying import approve, on_shelf, standing, violations
from tests.together import together

pytestmark = pytest.mark.django_db


@pytest.fixture
def tea() -> Variant:
    return VariantFactory.create(stock=10)


@pytest.fixture
def order(paypal: Emulator, tea: Variant) -> Order:
    """Three of a tea, paid and shipped: 3 × 12.50 + 4.00."""
    order = placed_order((tea, 3))
    settle(approve(order).pk, by="return")
    ship_order(order_id=order.pk, carrier="VNPost", tracking_number="1", by="Lan")
    return order


def send_back(
    order: Order,
    restocked: int,
    written_off: int = 0,
    refund: str | None = None,
    request_id: uuid.UUID | None = None,
) -> bool:
    line = order.lines.get()
    pieces = ReturnedPieces(line_id=line.pk, restocked=restocked, written_off=written_off)
    return record_return(
        order_id=order.pk,
        pieces=[pieces],
        refund=Decimal(refund) if refund else None,
        by="Lan",
        request_id=request_id or uuid.uuid4(),
    )


def test_what_is_restocked_can_be_sold_and_what_is_written_off_cannot(
    order: Order, tea: Variant
) -> None:
    send_back(order, 1, written_off=1)
    assert on_shelf(tea.sku) == (8, 0)
    moved = StockMovement.objects.filter(kind__in=[MovementKind.RETURN, MovementKind.WRITE_OFF])
    changes = list(moved.order_by("pk").values_list("kind", "on_hand_change", "by"))
    assert changes == [("return", 2, "Lan"), ("write_off", -1, "Lan")]
    assert StockHold.objects.get().status == "SOLD"
    assert violations() == []


def test_when_all_is_back_the_hold_is_returned(order: Order, tea: Variant) -> None:
    send_back(order, 2)
    send_back(order, 0, written_off=1)
    assert StockHold.objects.get().status == "RETURNED"
    assert (standing(order)[0], on_shelf(tea.sku)) == ("SHIPPED", (9, 0))
    assert violations() == []


def test_the_refund_goes_with_it(order: Order, paypal: Emulator) -> None:
    send_back(order, 1, refund="12.50")
    assert standing(order)[:2] == ("SHIPPED", "PARTIALLY_REFUNDED")
    assert paypal.captures()[0]["status"] == "PARTIALLY_REFUNDED"
    assert violations() == []


def test_the_same_form_sent_twice_is_one_return(order: Order, tea: Variant) -> None:
    form = uuid.uuid4()
    assert [send_back(order, 1, refund="5.00", request_id=form) for _ in range(2)] == [True, False]
    assert (Refund.objects.count(), on_shelf(tea.sku)) == (1, (8, 0))


def test_no_more_comes_back_than_was_shipped(order: Order, tea: Variant) -> None:
    send_back(order, 2)
    with pytest.raises(MoreThanSold) as refused:
        send_back(order, 1, written_off=1)
    assert refused.value.left == 1
    assert (OrderReturn.objects.count(), on_shelf(tea.sku)) == (1, (9, 0))


def test_too_large_a_refund_leaves_the_goods_where_they_are(order: Order, tea: Variant) -> None:
    with pytest.raises(RefundTooLarge):
        send_back(order, 1, refund="41.51")
    assert (OrderReturn.objects.exists(), on_shelf(tea.sku)) == (False, (7, 0))


def test_nothing_is_no_return(order: Order) -> None:
    with pytest.raises(ReturnRefused):
        send_back(order, 0)
    assert not OrderReturn.objects.exists()


def test_what_was_not_shipped_does_not_come_back(paypal: Emulator) -> None:
    with pytest.raises(ReturnRefused):
        send_back(placed_order(), 1)


def test_shipping_is_not_undone_once_goods_came_back(order: Order) -> None:
    send_back(order, 1)
    with pytest.raises(GoodsCameBack):
        undo_ship(order_id=order.pk, by="Lan")


@pytest.mark.django_db(transaction=True)
def test_two_staff_at_once_take_back_no_more_than_was_shipped(order: Order, tea: Variant) -> None:
    outcomes = together([lambda: send_back(order, 2), lambda: send_back(order, 2)])
    assert sorted(type(one).__name__ for one in outcomes) == ["MoreThanSold", "bool"]
    assert on_shelf(tea.sku) == (9, 0)
    assert violations() == []
