"""What staff and suppliers type is text wherever it is read: in the admin, the shop and emails."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from html5lib import HTMLParser

from notifications.emails import write_email
from notifications.mime import WrittenEmail
from notifications.models import Event
from orders.models import Order
from tests.factories import VariantFactory, placed_order
from tests.shop.flows import attempt_at, captured, paid_order

pytestmark = pytest.mark.django_db

MARK_UP = '"><img src=x onerror=alert(1)><script>alert(1)</script>'
NUMBERS = [
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "https://evil.example/?",
    "//evil.example/..",
    "' onmouseover='alert(1)",
    MARK_UP,
    "{{ order.token }}{% load %}",
    "=HYPERLINK(1)",
]
PARCELS = [("VNPost", one) for one in NUMBERS]
PARCELS += [("Uncle Tư", one) for one in NUMBERS[:4]]
PARCELS += [(one, one) for one in (NUMBERS[0], NUMBERS[2], MARK_UP)]


def troubles(page: str, *hosts: str) -> list[str]:
    """Return what in a page could run or leads to a stranger."""
    found = []
    for element in HTMLParser(namespaceHTMLElements=False).parse(page).iter():
        if not isinstance(element.tag, str):
            continue
        is_data = element.get("type") == "application/ld+json"
        if element.tag == "script" and not is_data and "alert(1)" in (element.text or ""):
            found.append("script")
        for name, value in element.attrib.items():
            link = urlsplit(value.strip()) if name in {"href", "src", "action"} else None
            is_strange = link and (
                link.scheme not in {"", "http", "https", "mailto"}
                or (link.hostname and link.hostname not in {"127.0.0.1", "testserver", *hosts})
                or value == "x"
            )
            if is_strange or (name.startswith("on") and "alert" in value):
                found.append(f"{element.tag} {name}={value}")
    return found


def email_of(event_type: str, role: str = "customer") -> WrittenEmail:
    """Write the email of the last such event, as the consumer does."""
    event = Event.objects.filter(type=event_type).latest("recorded_at")
    return write_email(
        event_id=event.pk,
        event_type=event.type,
        role=role,
        address="mai@example.com",
        name="Mai",
        locale="en",
        message_id="<1@example.com>",
        data={**event.body, **event.personal},
    )


def admin_page(order: Order) -> str:
    return reverse("admin:orders_order_change", args=[order.pk])


def ship(client: Client, order: Order, **typed: str) -> Any:
    return client.post(reverse("admin:orders_order_ship", args=[order.pk]), typed)


@pytest.mark.parametrize(("carrier", "number"), PARCELS)
def test_a_tracking_number_leads_to_its_carrier_or_nowhere(
    admin_client: Client, carrier: str, number: str
) -> None:
    order = paid_order()
    assert ship(admin_client, order, carrier=carrier, tracking_number=number).status_code == 302
    email = email_of("order.shipped")
    pages = [str(email.html), admin_client.get(admin_page(order)).text]
    pages += [admin_client.get(f"/admin/orders/order/?q={order.number}").text]
    pages += [Client().get(order.get_absolute_url()).text]
    pages += [admin_client.get(f"/admin/admin/logentry/{LogEntry.objects.get().pk}/change/").text]
    assert [one for page in pages for one in troubles(page, "vnpost.vn")] == []
    assert number in email.body  # a person may still read it


@pytest.mark.parametrize("text", ["1\r\nBcc: all@example.com", "1\n2", "1\u202e2", "1\x002"])
@pytest.mark.parametrize("field", ["carrier", "tracking_number"])
def test_a_line_break_in_a_parcels_number_is_refused_and_kept(
    admin_client: Client, field: str, text: str
) -> None:
    order = paid_order()
    typed = {"carrier": "VNPost", "tracking_number": "EE1", field: text}
    answer = ship(admin_client, order, **typed)
    assert answer.status_code == 422
    assert answer.context["form"][field].errors
    assert answer.context["form"][field].value() == text
    order.refresh_from_db()
    assert (order.status, order.tracking_number) == ("SUCCESS", "")


@pytest.mark.parametrize(
    "name",
    [MARK_UP, "javascript:alert(1)", "{{ 7|add:7 }} {% now %}", "' onload='alert(1)", "\u202eaet"],
)
def test_a_products_name_is_text_from_the_shelf_to_the_email(
    admin_client: Client, name: str
) -> None:
    variant = VariantFactory.create(
        stock=7, name_en=name[:40], product__name_en=name, product__summary_en=name
    )
    order = placed_order((variant, 2))
    captured(attempt_at(order), order.total)
    ship(admin_client, order, carrier="VNPost", tracking_number="EE1")
    paths = [variant.product.get_absolute_url(), "/products/", order.get_absolute_url()]
    paths += [admin_page(order), "/admin/", f"/admin/inventory/stock/{variant.sku}/change/"]
    paths += [reverse("admin:shop_product_change", args=[variant.product.pk])]
    paths += [f"/admin/orders/order/{order.pk}/return/"]
    pages = [admin_client.get(path).text for path in paths]
    emails = [email_of("order.confirmed"), email_of("order.shipped")]
    emails += [email_of("order.confirmed", "staff"), email_of("stock.low", "staff")]
    pages += [str(email.html) for email in emails]
    assert [one for page in pages for one in troubles(page, "vnpost.vn")] == []
    assert name in emails[0].body
