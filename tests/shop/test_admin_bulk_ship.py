"""Many parcels from a CSV file: read whole or refused whole, then each row by itself."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from notifications.models import Event
from orders.models import Order
from tests.factories import placed_order
from tests.shop.flows import paid_order

pytestmark = pytest.mark.django_db

HEAD = "number,carrier,tracking_number\n"


def send(client: Client, content: str | bytes) -> Any:
    raw = content.encode() if isinstance(content, str) else content
    page = reverse("admin:orders_order_ship_from_csv")
    return client.post(page, {"file": SimpleUploadedFile("parcels.csv", raw)})


def refusals(response: Any) -> list[str]:
    return [one.refusal for one in response.context["outcomes"]]


def test_paid_orders_are_shipped_each_with_its_number(admin_client: Client) -> None:
    first, second = paid_order(), paid_order()
    rows = f"{first.number},VNPost,EE1\n{second.number.lower()},GHN,G2\n"
    assert refusals(send(admin_client, f"\ufeff{HEAD}{rows}")) == ["", ""]
    found = Order.objects.order_by("pk").values_list("status", "carrier", "tracking_number")
    assert list(found) == [("SHIPPED", "VNPost", "EE1"), ("SHIPPED", "GHN", "G2")]


def test_a_row_that_cannot_be_does_not_stop_the_others(admin_client: Client) -> None:
    unpaid, paid = placed_order(), paid_order()
    rows = f"{unpaid.number},VNPost,1\nGXXXXXXXXX,VNPost,2\n{paid.number},,3\n"
    rows += f'{paid.number},"=HYPERLINK(1)",4\n{paid.number},VNPost,5\n{paid.number},VNPost,6\n'
    told = refusals(send(admin_client, HEAD + rows))
    assert told[0] == f"{unpaid} cannot go from PENDING to SHIPPED."
    assert told[1:3] == ["There is no order of this number.", "The carrier is missing."]
    assert "is a formula" in told[3]
    assert told[4:] == ["", "It is shipped already."]
    assert Order.objects.get(pk=paid.pk).tracking_number == "5"


def test_a_file_sent_twice_ships_nothing_twice(admin_client: Client) -> None:
    rows = f"{HEAD}{paid_order().number},VNPost,1\n"
    for _ in range(2):
        send(admin_client, rows)
    assert Event.objects.filter(type="order.shipped").count() == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("order;carrier\n1;2\n", "The first line must name these columns"),
        ("", "empty"),
        (HEAD, "no rows"),
        ((HEAD + "G1,Bưu điện,1\n").encode("utf-16"), "not UTF-8"),
        ((HEAD + "G1,caf\xe9,1\n").encode("latin-1"), "not UTF-8"),
        (HEAD + "G1,VNPost,1,more\n", "Line 2 does not have three cells"),
        (HEAD + "G1,VNPost\n", "Line 2 does not have three cells"),
        (HEAD + 'G1,"VNPost,1\n', "no CSV file"),
        (HEAD + "G123456789,VNPost,1\n" * 100_000, "At most 1000 rows"),
        (HEAD + "G123456789,VNPost,1\n" * 1_001, "At most 1000 rows"),
        (HEAD + "G\0,VNPost,1\n", "no order of this number"),
    ],
)
def test_a_wrong_file_is_answered_clearly(
    admin_client: Client, content: str | bytes, told: str
) -> None:
    order = paid_order()
    response = send(admin_client, content)
    assert response.status_code in {200, 422}
    assert told in response.text
    order.refresh_from_db()
    assert order.status == "SUCCESS"
