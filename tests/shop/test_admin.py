"""The admin: every list and page opens, costs the same for many rows, and changes no money."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from inventory.models import Stock, StockHold, StockMovement
from notifications.models import Event
from orders.models import Order
from payments.models import Capture, Payment, Refund, WebhookReceipt
from shop.models import Product
from tests.factories import VariantFactory, contact
from tests.shop.flows import paid_order, shop_in_use
from tests.shop.product_forms import filled_product_form

pytestmark = pytest.mark.django_db

admin.autodiscover()  # as the shop's addresses do
LISTED = sorted(admin.site._registry, key=lambda model: model._meta.label)
KEPT = (Order, Payment, Capture, Refund, WebhookReceipt, StockMovement, Event)


def address(model: type[Model], page: str, *arguments: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


@pytest.mark.parametrize("model", LISTED)
def test_every_list_opens(admin_client: Client, model: type[Model]) -> None:
    assert admin_client.get(address(model, "changelist")).status_code == 200


@pytest.mark.parametrize("model", KEPT)
def test_what_the_shop_wrote_cannot_be_added_changed_or_deleted(
    admin_client: Client, model: type[Model]
) -> None:
    shop_in_use()
    WebhookReceipt.objects.create(event_id="WH-1", event_type="T", received_at="2026-01-01T00:00Z")
    row = model._default_manager.all()[0]

    page = admin_client.get(address(model, "change", row.pk))

    assert page.status_code == 200
    assert b'name="_save"' not in page.content
    assert admin_client.get(address(model, "add")).status_code == 403
    assert admin_client.post(address(model, "change", row.pk), {}).status_code == 403
    assert admin_client.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", [Order, Payment, Capture, Stock, StockMovement, Product, Event])
def test_a_list_of_many_asks_no_more_than_a_list_of_one(
    admin_client: Client, model: type[Model]
) -> None:
    paid_order()
    admin_client.get(address(model, "changelist"))
    with CaptureQueriesContext(
        connection,
    ) as few:
        admin_client.get(address(model, "changelist"))
    for _ in range(3):
        paid_order()

    with CaptureQueriesContext(connection) as many:
        admin_client.get(address(model, "changelist"))

    assert len(many) == len(few)


def test_an_order_is_found_by_what_people_know(admin_client: Client) -> None:
    paid_order()
    order = paid_order(contact=contact(email="quang@example.com", full_name="Quang Phạm"))
    payment = Payment.objects.get(order=order)
    known = [
        order.number.lower(),
        "quang@example",
        "Quang Phạm",
        payment.attempts.get().paypal_order_id,
        payment.captures.get().paypal_id,
        str(order.transaction_id),
    ]

    for term in known:
        page = admin_client.get(address(Order, "changelist"), {"q": term or ""})
        assert [one.number for one in page.context["cl"].result_list] == [order.number], term


def test_the_order_page_tells_everything_in_few_queries(admin_client: Client) -> None:
    order = paid_order()

    with CaptureQueriesContext(connection) as queries:
        page = admin_client.get(address(Order, "change", order.pk)).text

    assert len(queries) <= 25
    told = (order.number, order.email, Capture.objects.get().paypal_id, "order.confirmed", "SOLD")
    assert all(text in page for text in told)
    assert StockHold.objects.get().stock_id in page


def test_what_customers_wrote_is_no_markup(admin_client: Client) -> None:
    order = paid_order(contact=contact(full_name="<script>alert(1)</script>"))

    for page in (address(Order, "change", order.pk), address(Order, "changelist"), "/admin/"):
        assert "<script>alert" not in admin_client.get(page).text


def test_a_new_variant_gets_an_empty_shelf_and_keeps_its_sku(admin_client: Client) -> None:
    variant = VariantFactory.create(stock=4)
    form = filled_product_form(admin_client, variant.product)
    form |= {"variants-TOTAL_FORMS": "2", "variants-0-sku": "RENAMED", "variants-0-price": "13.00"}
    form |= {"variants-1-sku": "NEW-1", "variants-1-price": "5.00", "variants-1-position": "1"}

    response = admin_client.post(address(Product, "change", variant.product.pk), form)

    assert response.status_code == 302, response.context["errors"]
    variant.refresh_from_db()
    assert (variant.sku, str(variant.price)) == (Stock.objects.get(on_hand=4).sku, "13.00")
    assert Stock.objects.get(sku="NEW-1").on_hand == 0


def test_the_number_on_hand_is_not_a_field(admin_client: Client) -> None:
    variant = VariantFactory.create(stock=4)

    admin_client.post(
        address(Stock, "change", variant.sku),
        {
            "on_hand": "400",
            "low_stock_threshold": "9",
            "movements-TOTAL_FORMS": "0",
            "movements-INITIAL_FORMS": "0",
        },
    )

    stock = Stock.objects.get(sku=variant.sku)
    assert (stock.on_hand, stock.low_stock_threshold) == (4, 9)


def test_the_first_page_counts_what_waits_and_leads_there(admin_client: Client) -> None:
    paid_order()

    page = admin_client.get("/admin/")

    to_ship = page.context["duties"][0]
    assert to_ship.count == 1
    assert Order.objects.get().number in admin_client.get(to_ship.address).text


def test_the_first_page_shows_only_what_a_person_may_see(client: Client) -> None:
    person = User.objects.create_user("clerk", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_stock"))
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")

    context = client.get("/admin/").context

    assert [duty.rows.model for duty in context["duties"]] == [Stock]
    assert "latest" not in context


def test_only_the_admin_may_evaluate_scripts(admin_client: Client) -> None:
    policies = {
        path: admin_client.get(path)["Content-Security-Policy"]
        for path in ("/admin/", "/admin/login/", "/cart/")
    }

    assert [path for path, policy in policies.items() if "unsafe" in policy] == [
        "/admin/",
        "/admin/login/",
    ]
    assert not any("script-src 'self' 'unsafe-inline'" in policy for policy in policies.values())
