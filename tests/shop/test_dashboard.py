"""The first page: today's figures, what runs, what runs out; the books as the clock found them."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from time_machine import travel

from notifications.heartbeat import beat
from orders.models import Order
from payments.models import Capture
from shop import books, clock
from shop.models import BooksCheck, HourTally
from shop.roles import grant_roles
from shop.tallies import KEPT, forget_tallies, latest_days, tally_hours
from tests.factories import VariantFactory, placed_order
from tests.shop.flows import paid_order

pytestmark = pytest.mark.django_db


def placed_ago(age: timedelta) -> Order:
    """Return a paid order whose order and money came so long ago."""
    order, at = paid_order(), timezone.now() - age
    Order.objects.filter(pk=order.pk).update(placed_at=at)
    Capture.objects.filter(payment__order=order).update(recorded_at=at)
    return order


def test_today_is_what_came_in_today(admin_client: Client) -> None:
    paid, unpaid = paid_order(), placed_order()
    placed_ago(timedelta(days=2))
    today = admin_client.get("/admin/").context["today"]
    assert (today.orders, today.ordered) == (2, paid.total + unpaid.total)
    assert (today.taken, today.refunded) == (paid.total, 0)


def test_hours_that_ended_are_written_down_once() -> None:
    order = placed_ago(timedelta(days=1))
    for _ in range(3):
        tally_hours()
    tally = HourTally.objects.get(orders=1)
    assert (tally.ordered, tally.taken) == (order.total, order.total)
    assert tally.hour == order_hour(order)
    Order.objects.filter(pk=order.pk).update(total=0, items_total=0, delivery_price=0)
    tally_hours()
    assert HourTally.objects.get(orders=1).ordered == order.total
    assert latest_days()[-2].taken == order.total


def order_hour(order: Order) -> object:
    order.refresh_from_db()
    return order.placed_at.replace(minute=0, second=0, microsecond=0)


@pytest.mark.parametrize("minute", ["00:00", "00:59", "01:00", "30:00", "59:59"])
def test_all_hours_of_two_weeks_are_written_down_and_older_ones_forgotten(minute: str) -> None:
    with travel(f"2026-11-25T12:{minute}Z", tick=False):
        for _ in range(KEPT.days + 1):
            tally_hours()
        assert HourTally.objects.count() == KEPT.days * 24
        assert forget_tallies() == 0
        old = min(HourTally.objects.values_list("hour", flat=True)) - timedelta(hours=1)
        HourTally.objects.create(hour=old, orders=1, ordered=0, taken=0, refunded=0)
        assert forget_tallies() == 1


def test_two_weeks_are_drawn(admin_client: Client) -> None:
    HourTally.objects.create(
        hour=timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(days=3),
        orders=7,
        ordered=Decimal(70),
        taken=Decimal(63),
        refunded=Decimal(0),
    )
    page = admin_client.get("/admin/")
    assert len(latest_days()) == KEPT.days
    assert "· $63.00</title>" in page.text
    assert "<script>" not in page.text


def test_what_runs_and_what_does_not_is_told(admin_client: Client) -> None:
    beat("relay")
    beat("clock")
    told = {
        part.title: (part.told, part.is_well)
        for part in admin_client.get("/admin/").context["running"]
    }
    assert told["Relay, consumer, clock"] == ("not seen: consumer", False)
    beat("consumer")
    told = {
        part.title: (part.told, part.is_well)
        for part in admin_client.get("/admin/").context["running"]
    }
    assert told["Relay, consumer, clock"] == ("at work", True)
    assert told["Pipeline"][1]


def test_what_runs_out_is_listed_least_first(admin_client: Client) -> None:
    VariantFactory.create(stock=50)
    few, none = VariantFactory.create(stock=2), VariantFactory.create(stock=0)
    listed = admin_client.get("/admin/").context["running_out"]
    assert [one.sku for one in listed] == [none.sku, few.sku]


def test_each_role_gets_a_first_page_of_its_own() -> None:
    grant_roles()
    paid_order()
    seen = {}
    everything = {"today", "latest", "running_out", "running"}
    for role in ("catalogue", "fulfilment", "viewer"):
        person = User.objects.create_user(role, is_staff=True)
        person.groups.add(Group.objects.get(name=role))
        client = Client()
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        with CaptureQueriesContext(connection) as queries:
            context = client.get("/admin/").context
        assert len(queries) <= 25, role
        seen[role] = {name for name in everything if name in context}
    assert seen == {"catalogue": {"running_out"}, "fulfilment": everything, "viewer": everything}


def test_the_page_never_checks_the_books_itself(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "find_violations", None)
    assert "never checked" in admin_client.get("/admin/").text
    BooksCheck.objects.create(checked_at=timezone.now(), violations=0, invariants=[])
    assert "The books balance" in admin_client.get("/admin/").text


@pytest.mark.django_db(transaction=True)
def test_the_clock_checks_the_books_when_it_is_time(settings: Settings) -> None:
    clock.check_books_in_time()
    clock.check_books_in_time()
    assert BooksCheck.objects.count() == 1
    settings.BOOKS_CHECK = timedelta(0)
    clock.check_books_in_time()
    assert BooksCheck.objects.count() == 2
