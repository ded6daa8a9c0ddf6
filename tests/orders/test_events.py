"""What an order tells: enough to write the email without asking the shop's tables."""

from decimal import Decimal

import pytest
from pytest_django import Settings

from notifications.models import Event
from orders.events import record_order_event
from shop.models import Variant
from tests.factories import ProductFactory, VariantFactory, placed_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def tea() -> Variant:
    product = ProductFactory.create(slug="lotus-tea", picture="shop/products/phin-filter.svg")
    return VariantFactory.create(product=product, price=Decimal("12.50"))


def test_the_event_tells_the_whole_order(tea: Variant, settings: Settings) -> None:
    order = placed_order((tea, 2), locale="vi")
    event = record_order_event(order, "order.confirmed")
    assert event.subject == order.number
    assert event.body["order"]["transaction_id"] == str(order.transaction_id)
    assert event.body["totals"]["total"] == "29.00"
    (line,) = event.body["lines"]
    assert (line["name"], line["variant"], line["total"]) == ("Trà sen", "100 gam", "25.00")
    assert line["picture"] == f"{settings.SHOP_URL}/static/shop/products/thumbnails/phin-filter.png"
    assert line["url"] == f"{settings.SHOP_URL}/products/lotus-tea/"


def test_who_the_customer_is_stands_apart(tea: Variant, settings: Settings) -> None:
    order = placed_order(tea)
    event = record_order_event(order, "order.confirmed")
    assert event.personal["customer"]["email"] == order.email
    assert event.personal["links"]["order"] == settings.SHOP_URL + order.get_absolute_url()
    assert order.email not in str(event.body)
    assert order.token not in str(event.body)


def test_a_quiet_event_is_told_to_nobody(tea: Variant) -> None:
    record_order_event(placed_order(tea), "order.confirmed", notify=False)
    assert Event.objects.get(type="order.confirmed").personal["deliver_to"] == []


def test_what_the_stage_adds_is_in_the_body(tea: Variant) -> None:
    event = record_order_event(placed_order(tea), "order.sold_out", shortage={"skus": [tea.sku]})
    assert event.body["shortage"] == {"skus": [tea.sku]}


def test_a_parcel_can_be_forgotten(tea: Variant) -> None:
    event = record_order_event(placed_order(tea), "order.shipped", shipment={"carrier": "VNPost"})
    assert event.personal["shipment"] == {"carrier": "VNPost"}
    assert "shipment" not in event.body
