"""Orders as rows: what their database and their links guarantee."""

import re
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from orders.lifecycle import ORDER_TRANSITIONS, FailureReason, OrderStatus
from orders.models import Order, OrderLine, new_number, new_token
from tests.factories import VariantFactory, placed_order

pytestmark = pytest.mark.django_db


def test_numbers_can_be_read_out_and_are_not_counted_up() -> None:
    numbers = {new_number() for _ in range(1000)}
    assert len(numbers) == 1000
    assert all(re.fullmatch(r"G[2-9A-HJ-NP-Z]{9}", number) for number in numbers)


def test_the_link_cannot_be_guessed() -> None:
    order = placed_order()
    assert len(order.token) >= 32
    assert order.token != new_token()
    assert order.get_absolute_url() == f"/orders/{order.number}/{order.token}/"


def test_a_line_keeps_name_and_price_of_its_day() -> None:
    tea = VariantFactory.create(price=Decimal("12.50"))
    order = placed_order((tea, 2))
    type(tea).objects.update(price=Decimal("99.00"), name_en="1 kg")
    line = order.lines.get()
    assert (line.variant_name, line.unit_price, line.total) == (
        "100 g",
        Decimal("12.50"),
        Decimal("25.00"),
    )


def test_postgres_refuses_a_total_that_is_no_sum() -> None:
    placed_order()
    with pytest.raises(IntegrityError, match="total_is_the_sum"), transaction.atomic():
        Order.objects.update(total=F("total") + 1)


def test_postgres_refuses_a_failure_without_a_reason() -> None:
    placed_order()
    with pytest.raises(IntegrityError, match="failed_orders_have_a_reason"), transaction.atomic():
        Order.objects.update(status=OrderStatus.FAILED)


def test_postgres_refuses_a_line_of_nothing() -> None:
    placed_order()
    with pytest.raises(IntegrityError, match="line_has_a_quantity"), transaction.atomic():
        OrderLine.objects.update(quantity=0)


def test_moving_where_it_stands_is_no_step() -> None:
    order = placed_order()
    assert not order.move_to(OrderStatus.PENDING, by="test", at=timezone.now())
    assert order.transitions.count() == 1


def test_a_step_says_who_took_it_and_why() -> None:
    order = placed_order()
    order.move_to(
        OrderStatus.FAILED, by="Lan", at=timezone.now(), reason=FailureReason.CANCELLED_BY_SHOP
    )
    last = order.transitions.last()
    assert last is not None
    assert (last.old, last.new, last.reason, last.by) == (
        "PENDING",
        "FAILED",
        "cancelled_by_shop",
        "Lan",
    )


@pytest.mark.parametrize("status", OrderStatus)
def test_final_states_lead_nowhere(status: OrderStatus) -> None:
    assert Order(status=status).is_final == (not ORDER_TRANSITIONS[status])
