"""A stocktake in the admin: a movement, and never less than orders hold."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from inventory.models import MovementKind, Stock, StockMovement
from shop.models import Variant
from shop.stocktake import holders
from tests.factories import VariantFactory, contact, placed_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def tea() -> Variant:
    return VariantFactory.create(stock=10)


def count(staff: Client, sku: str, counted: str, threshold: str = "5") -> str:
    page = reverse("admin:inventory_stock_change", args=[sku])
    inline = staff.get(page).context["inline_admin_formsets"][0].formset.prefix
    empty = {f"{inline}-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
    fields = {"low_stock_threshold": threshold, "counted": counted}
    return staff.post(page, {**empty, **fields}, follow=True).text


def test_what_was_counted_is_a_movement_in_the_counters_name(
    admin_client: Client, tea: Variant
) -> None:
    count(admin_client, tea.sku, "7")

    last = StockMovement.objects.latest("pk")
    assert (last.kind, last.on_hand_change, last.by) == (MovementKind.STOCKTAKE, -3, "admin")
    assert Stock.objects.get(sku=tea.sku).on_hand == 7


def test_less_than_is_held_is_refused_with_the_orders(admin_client: Client, tea: Variant) -> None:
    order = placed_order((tea, 3))

    page = count(admin_client, tea.sku, "2")

    assert (
        f"3 are set aside for orders: there cannot be less. They hold it: {order.number} (3)."
        in page
    )
    assert re.search(r'<input[^>]*name="counted"[^>]*value="2"|value="2"[^>]*name="counted"', page)
    assert Stock.objects.get(sku=tea.sku).on_hand == 10


def test_a_new_threshold_alone_moves_nothing(admin_client: Client, tea: Variant) -> None:
    before = StockMovement.objects.count()

    count(admin_client, tea.sku, "", threshold="2")

    assert Stock.objects.get(sku=tea.sku).low_stock_threshold == 2
    assert StockMovement.objects.count() == before


def test_of_many_orders_the_first_ten_are_named() -> None:
    tea = VariantFactory.create(stock=12)
    for number in range(12):
        customer = contact(email=f"{number}@example.com")
        placed_order(tea, contact=customer)

    assert holders(tea.sku).count("(1)") == 10
    assert holders(tea.sku).endswith(" and 2 more.")
