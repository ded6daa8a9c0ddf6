"""Reminders end for who asks for it, with one click from a mail program too; nothing else does."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from devtools.mailbox.client import Mailbox
from inventory.models import StockHold
from notifications.models import EmailDelivery, Event, StoppedReader
from notifications.stopping import stop_link
from orders.models import Order
from payments.duties import expire_orders, remind_customers
from tests.factories import contact, placed_order
from tests.notifications.conftest import publish_and_consume
from tests.shop.pages import text_of

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def path_of(address: str) -> str:
    return stop_link(address).removeprefix(settings.SHOP_URL)


def reminded(**changes: str) -> bool:
    """Remind the customer of a new order; return whether they are mailed."""
    order = placed_order(contact=contact(**changes))
    soon = timezone.now() + timedelta(minutes=4)
    StockHold.objects.filter(reference=order.transaction_id).update(held_until=soon)
    remind_customers()
    event = Event.objects.get(subject=order.number, type="order.payment_reminder")
    return bool(event.personal["deliver_to"])


@pytest.mark.django_db(transaction=True)
def test_button_of_a_mail_program_ends_the_reminders(kafka_topic: str, mailbox: Mailbox) -> None:
    assert reminded()
    publish_and_consume()
    (message,) = mailbox.messages()
    link = message["headers"]["List-Unsubscribe"].strip(" <>")
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post(link.removeprefix(settings.SHOP_URL), ONE_CLICK)
    assert answer.status_code == 200
    assert not reminded()


@pytest.mark.django_db
def test_looking_at_the_link_changes_nothing(client: Client) -> None:
    page = client.get(path_of("lan@example.com"))
    assert "Stop reminding me" in text_of(page)
    assert not StoppedReader.objects.exists()
    assert reminded()


@pytest.mark.django_db
def test_only_that_address_is_reminded_no_more_however_it_is_written(client: Client) -> None:
    client.post(path_of("Lan@Example.com"))
    assert not reminded(email="lan@example.com")
    assert reminded(email="minh@example.com")


@pytest.mark.django_db
def test_who_wants_them_again_gets_them_again(client: Client) -> None:
    path = path_of("lan@example.com")
    for _ in range(2):
        assert "No more reminders" in text_of(client.post(path))
    client.post(path, {"again": "1"})
    assert reminded()


@pytest.mark.django_db
def test_what_a_customer_needs_to_know_is_mailed_all_the_same(client: Client) -> None:
    client.post(path_of("lan@example.com"))
    order = placed_order()
    Order.objects.update(expires_at=timezone.now())
    expire_orders()
    event = Event.objects.get(subject=order.number, type="order.expired")
    assert [one["email"] for one in event.personal["deliver_to"]] == [order.email]


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["x", "a" * 64, "a" * 64 + ":forged", "%00"])
def test_forged_link_leads_nowhere(client: Client, token: str) -> None:
    assert client.post(f"/emails/stop/{token}/").status_code == 404
    assert not StoppedReader.objects.exists()


@pytest.mark.django_db
def test_link_and_list_name_nobody(client: Client) -> None:
    client.post(path_of("lan@example.com"))
    assert "lan" not in path_of("lan@example.com")
    assert StoppedReader.objects.get().reader in path_of("lan@example.com")
    assert not EmailDelivery.objects.exists()
