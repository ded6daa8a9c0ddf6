"""Among many orders no page that staff use reads a whole table, counts one, or asks much."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from devtools import bench
from notifications.admin.lists import MOST_COUNTED
from orders.lifecycle import FailureReason, OrderStatus
from orders.models import Order
from payments.lifecycle import PaymentStatus
from shop.admin.orders import NeedsAHand

pytestmark = pytest.mark.django_db

_SEED = Path(bench.__file__).with_name("desk.sql")
_ORDERS = 60_000
_BIG = 10_000  # rows
_MOST_QUERIES = 25
LIST = "/admin/orders/order/"


@pytest.fixture(scope="module", autouse=True)
def many_orders(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Fill the tables as a big shop's are, for all these tests; nothing of it stays."""
    with django_db_blocker.unblock(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_SEED.read_text(), {"all": _ORDERS})
            # What autovacuum does in a shop: until then a search reads the index's list of news.
            cursor.execute("SELECT gin_clean_pending_list('orders_by_part_of_a_word')")
            cursor.execute("ANALYZE")
        yield
        transaction.set_rollback(True)


def listings(order: Order) -> Iterator[str]:
    """Yield the order list as staff look at it: whole, by each filter, by each thing they know."""
    yield LIST
    yield f"{LIST}?p=10"
    for name, values in {
        "needs": list(NeedsAHand.rules),
        "status__exact": OrderStatus.values,
        "payment__status__exact": PaymentStatus.values,
        "reason__exact": FailureReason.values,
        "flag__isempty": ["0", "1"],
        "cancel_wished_at__isempty": ["0", "1"],
    }.items():
        yield from (f"{LIST}?{name}={value}" for value in values)
    for term in (
        order.number.lower(),
        order.number[:4],
        order.email,
        order.email[2:12],
        order.full_name,
        order.tracking_number,
        str(order.transaction_id),
        f"CAPTURE{order.pk}",
        f"DESK{order.pk}",
        "nobody is called that",
        "an",
        "%_%",
    ):
        yield f"{LIST}?q={term}"
    yesterday = timezone.now() - timedelta(days=1)
    month = f"placed_at__year={yesterday.year}&placed_at__month={yesterday.month}"
    yield f"{LIST}?placed_at__year={yesterday.year}"
    yield f"{LIST}?{month}"
    yield f"{LIST}?{month}&placed_at__day={yesterday.day}"
    yield f"{LIST}?{month}&status__exact=FAILED&q=lan"


def other_pages(order: Order) -> Iterator[str]:
    yield "/admin/"
    yield f"{LIST}{order.pk}/change/"
    for page in (
        "payments/payment/?status__exact=REVIEW",
        f"payments/payment/?q={order.number}",
        f"payments/payment/?q=DESK{order.pk}",
        f"payments/capture/?q=CAPTURE{order.pk}",
        f"payments/refund/?q={order.number}",
        f"payments/webhookreceipt/?q=WH-{order.pk}",
        f"inventory/stockmovement/?q={order.transaction_id}",
        "inventory/stockmovement/?q=DESK-7",
        f"notifications/event/?q={order.number}",
        f"notifications/emaildelivery/?q={order.number}",
    ):
        yield f"/admin/{page}"


def scans(queries: CaptureQueriesContext) -> list[str]:
    """Return the big tables that PostgreSQL would read whole for these queries."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > %s", [_BIG]
        )
        big = {row[0] for row in cursor.fetchall()}
        found = []
        for query in queries.captured_queries:
            if not query["sql"].startswith("SELECT"):
                continue
            cursor.execute(f"EXPLAIN {query['sql']}")
            plan = [row[0] for row in cursor.fetchall()]
            read = {line.split(" on ")[1].split()[0] for line in plan if "Seq Scan on" in line}
            found += [f"{table}: {query['sql'][:300]}" for table in read & big]
    return found


def test_no_page_reads_a_big_table_whole(admin_client: Client) -> None:
    order = Order.objects.filter(status=OrderStatus.DELIVERED).latest("pk")
    assert order.tracking_number
    troubles = []
    for page in [*listings(order), *other_pages(order)]:
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get(page).status_code == 200, page
        troubles += [f"{page}: {scan}" for scan in scans(queries)]
        if len(queries) > _MOST_QUERIES:
            troubles.append(f"{page}: {len(queries)} queries")
    assert troubles == []


def test_what_staff_type_finds_the_one_order(admin_client: Client) -> None:
    order = Order.objects.filter(status=OrderStatus.DELIVERED).latest("pk")
    for term in (order.number, order.email[1:], order.tracking_number, f"CAPTURE{order.pk}"):
        found = admin_client.get(LIST, {"q": term}).context["cl"].result_list
        assert [one.pk for one in found] == [order.pk], term


def test_a_long_list_is_counted_to_a_limit(admin_client: Client) -> None:
    page = admin_client.get(LIST)
    assert page.context["cl"].result_count == MOST_COUNTED
    assert f"the first {MOST_COUNTED} orders" in page.text
    short = admin_client.get(LIST, {"status__exact": "CANCELLED"})
    assert 0 < short.context["cl"].result_count < MOST_COUNTED
    assert "the first" not in short.text


def test_dates_lead_down_to_the_day(admin_client: Client) -> None:
    newest = timezone.localtime(Order.objects.latest("placed_at").placed_at)
    dates = admin_client.get(LIST).context["cl"].dates
    assert dates["choices"][-1]["title"] == str(newest.year)
    assert dates["back"] is None
    for _ in ("month", "day"):
        dates = admin_client.get(LIST + dates["choices"][-1]["link"]).context["cl"].dates
    page = admin_client.get(LIST + dates["choices"][-1]["link"])
    assert {one.placed_at.date() for one in page.context["cl"].result_list} == {newest.date()}
    assert page.context["cl"].dates["back"]["title"] == newest.strftime("%B %Y")
