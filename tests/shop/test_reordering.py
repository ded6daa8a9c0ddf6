"""The link of an ended order's email: it asks first, then fills the cart as far as it can."""

from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from inventory.holds import set_stock
from notifications.models import Event
from orders.models import Order
from payments.duties import expire_orders
from tests.factories import VariantFactory, placed_order
from tests.shop.pages import text_of

pytestmark = pytest.mark.django_db


def expired(order: Order) -> str:
    """Let an order's time end; return the path of its email's link."""
    Order.objects.update(expires_at=timezone.now())
    expire_orders()
    links = Event.objects.get(type="order.expired", subject=order.number).personal["links"]
    return "/" + str(links["reorder"]).split("/", 3)[3]


def test_the_link_asks_and_the_button_fills_the_cart(client: Client) -> None:
    tea = VariantFactory.create(price=Decimal("12.50"))
    path = expired(placed_order((tea, 3)))
    asked = client.get(path)
    assert asked.status_code == 200
    assert "no-store" in asked["Cache-Control"]
    assert "Your cart is empty." in text_of(client.get("/cart/"))
    for _ in range(2):  # a double click
        assert client.post(path).status_code == 303
    assert "$37.50" in text_of(client.get("/cart/"))


def test_what_is_gone_or_short_is_said(client: Client) -> None:
    tea, pot, fan = (VariantFactory.create(product__name_en=name) for name in ("Tea", "Pot", "Fan"))
    path = expired(placed_order((tea, 3), (pot, 1), (fan, 1)))
    set_stock(sku=tea.sku, on_hand=2, by="test")
    set_stock(sku=pot.sku, on_hand=0, by="test")
    client.post(path)
    response = client.get("/cart/").content.decode()
    assert "Fewer than you had ordered: Tea" in response
    assert "Can no longer be had: Pot" in response
    assert "Quantity of Fan" in response


def test_what_is_in_the_cart_already_stays(client: Client) -> None:
    tea, fan = VariantFactory.create(), VariantFactory.create(product__name_en="Fan")
    path = expired(placed_order((tea, 1)))
    client.post("/cart/add/", {"sku": tea.sku, "quantity": "4"})
    client.post("/cart/add/", {"sku": fan.sku, "quantity": "1"})
    client.post(path)
    assert '<span class="count">5' in client.get("/cart/").content.decode()


def test_a_wrong_token_finds_nothing(client: Client) -> None:
    order = placed_order()
    for method in (client.get, client.post):
        assert method(f"/cart/reorder/{order.number}/{'x' * 32}/").status_code == 404
        assert method(f"/cart/reorder/NO-SUCH/{order.token}/").status_code == 404


def test_filling_the_cart_needs_the_forms_token() -> None:
    order = placed_order()
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(f"/cart/reorder/{order.number}/{order.token}/").status_code == 403
