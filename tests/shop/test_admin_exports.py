"""Lists as CSV and XLSX, which no spreadsheet executes."""

import csv
import io

import openpyxl
import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from notifications.exports import harmless
from orders.models import Order
from tests.factories import contact
from tests.shop.flows import paid_order

pytestmark = pytest.mark.django_db

EXPORT = "/admin/orders/order/export/"
LISTS = (
    "orders/order",
    "payments/payment",
    "payments/capture",
    "payments/refund",
    "inventory/stock",
    "inventory/stockmovement",
    "shop/product",
)
_CSV, _XLSX = "0", "1"


def exported(client: Client, page: str = EXPORT, kind: str = _CSV) -> bytes:
    response = client.post(page, {"format": kind, "resource": ""})
    assert response.headers["Content-Disposition"].startswith("attachment"), response.text
    return response.content


@pytest.mark.parametrize("name", LISTS)
def test_lists_offer_their_export(admin_client: Client, name: str) -> None:
    paid_order()
    page = admin_client.get(f"/admin/{name}/")
    assert f"/admin/{name}/export/" in page.text
    assert (
        len(exported(admin_client, f"/admin/{name}/export/").splitlines()) > 1 or "refund" in name
    )


@pytest.mark.parametrize("text", ['=HYPERLINK("http://x")', "@SUM(1)", "+1+cmd", "-1+2", "\t=1"])
def test_no_cell_is_a_formula(admin_client: Client, text: str) -> None:
    paid_order(contact=contact(full_name=text))
    row = next(csv.DictReader(io.StringIO(exported(admin_client).decode())))
    assert row["full_name"] == f"'{text}"
    sheet = openpyxl.load_workbook(io.BytesIO(exported(admin_client, kind=_XLSX))).active
    cells = [cell for line in sheet.iter_rows() for cell in line]
    assert [cell for cell in cells if cell.data_type == "f"] == []


def test_numbers_and_telephones_stay_what_they_are() -> None:
    assert [harmless(one) for one in ("-3", "+84 90 123", "12.50", "Lan", 4)] == [
        "-3",
        "+84 90 123",
        "12.50",
        "Lan",
        4,
    ]


def test_what_opens_an_order_is_not_exported(admin_client: Client) -> None:
    order = paid_order()
    assert order.token not in exported(admin_client).decode()


def test_the_export_is_the_list_as_it_is_filtered(admin_client: Client) -> None:
    paid_order()
    order = paid_order(contact=contact(email="mai@example.com"))
    rows = list(csv.DictReader(io.StringIO(exported(admin_client, f"{EXPORT}?q=mai").decode())))
    assert [row["number"] for row in rows] == [order.number]


def test_who_may_look_may_not_take_away(client: Client) -> None:
    person = User.objects.create_user("clerk", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_order"))
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(EXPORT).status_code == 403
    assert "export/" not in client.get(reverse("admin:orders_order_changelist")).text


def test_orders_are_listed_by_what_needs_a_hand(admin_client: Client) -> None:
    flagged, wished = paid_order(), paid_order()
    Order.objects.filter(pk=flagged.pk).update(flag="disputed")
    admin_client.post(f"{wished.get_absolute_url()}cancel/")
    for need, orders in {"ship": {flagged, wished}, "flag": {flagged}, "wish": {wished}}.items():
        page = admin_client.get("/admin/orders/order/", {"needs": need})
        assert set(page.context["cl"].result_list) == orders, need
