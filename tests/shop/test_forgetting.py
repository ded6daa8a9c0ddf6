"""Forgetting a customer: gone everywhere, the books as they were, and not written to again."""

import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from devtools.mailbox.client import Mailbox
from notifications.models import DeadLetter, EmailDelivery, Event, StageSetting, SuppressedAddress
from orders.fulfilment import mark_delivered, ship_order
from orders.models import Order
from payments.models import WebhookReceipt
from shop.failures import record_failure
from shop.forgetting import forget_customer
from shop.logs import DiscreetFormatter
from shop.ownership import ownership
from shop.promises import promise
from tests.factories import contact, placed_order, placement
from tests.notifications.conftest import consume, publish, publish_and_consume
from tests.paying import violations
from tests.shop.flows import paid_order

pytestmark = pytest.mark.django_db(transaction=True)

LAN = "lan.nguyen@example.com"
WORDS = (LAN, "Lan Forgettable", "99 Hàng Quên", "0912 345 678", "EE987654321VN")


def shipped_order() -> Order:
    person = contact(
        email=LAN, full_name="Lan Forgettable", line1="99 Hàng Quên", phone="0912 345 678"
    )
    order = paid_order(contact=person, network_address="203.0.113.9")
    ship_order(order_id=order.pk, carrier="VNPost", tracking_number="EE987654321VN", by="Mai")
    return order


def everything() -> str:
    """Return all text that the database holds, small."""
    found = []
    for model in apps.get_models():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT to_jsonb(t)::text FROM {model._meta.db_table} t")
            found += [row[0] for row in cursor.fetchall()]
    found += [bytes(one.value or b"").decode() for one in EmailDelivery.objects.all()]
    found += [bytes(one.value or b"").decode() for one in DeadLetter.objects.all()]
    return json.dumps(found, ensure_ascii=False).casefold()


def test_a_forgotten_person_is_nowhere_and_the_books_are_whole(
    mailbox: Mailbox, kafka_topic: str
) -> None:
    User.objects.create_user("lan", email=LAN)
    shipped_order()
    shipped_order()
    WebhookReceipt.objects.create(
        event_id="WH-1", event_type="T", received_at=timezone.now(), body=f'{{"payer": "{LAN}"}}'
    )
    mailbox.fault("permfail_550")
    publish_and_consume()
    assert violations() == []
    assert all(word.casefold() in everything() for word in WORDS)

    done = forget_customer(LAN.upper())

    assert (done["orders"], done["accounts"], done["webhooks"]) == (2, 1, 1)
    assert [word for word in WORDS if word.casefold() in everything()] == []
    assert violations() == []
    assert not {key for key, number in forget_customer(LAN).items() if number} - {"orders"}


def test_placements_that_wait_failed_or_lie_in_the_spool_are_forgotten(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SPOOL_DIR = tmp_path
    wishes = [placement(contact=contact(email=LAN)) for _ in range(3)]
    promise(wishes[0])
    ownership.resign()
    record_failure(wishes[1], ValueError(LAN))
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict, "HOST", "/nonexistent")
        connection.close()
        record_failure(wishes[2], ValueError(LAN))
    assert forget_customer(LAN)["placements"] == 3
    assert LAN not in everything()
    assert list(tmp_path.glob("*.json")) == []


def test_what_still_stands_on_kafka_is_not_sent(mailbox: Mailbox, kafka_topic: str) -> None:
    shipped_order()
    publish()
    forget_customer(LAN)
    consume()
    assert mailbox.messages() == []
    rows = EmailDelivery.objects.values_list("status", "reason", "email", "name", "value")
    assert set(rows) == {("SKIPPED", "suppressed", "", "", None)}


def test_what_waits_in_the_outbox_is_told_to_nobody(mailbox: Mailbox, kafka_topic: str) -> None:
    shipped_order()
    forget_customer(LAN)
    publish_and_consume()
    assert mailbox.messages() == []
    assert not DeadLetter.objects.exists()


@pytest.mark.usefixtures("long_pauses")
def test_what_was_deferred_is_not_sent(mailbox: Mailbox, kafka_topic: str) -> None:
    shipped_order()
    mailbox.fault("tempfail_451", count=2)
    publish_and_consume()
    forget_customer(LAN)
    assert set(EmailDelivery.objects.values_list("status", "email")) == {("SKIPPED", "")}


def test_who_orders_again_is_written_to_again(mailbox: Mailbox, kafka_topic: str) -> None:
    shipped_order()
    publish_and_consume()
    forget_customer(LAN)
    mailbox.clear()
    shipped_order()
    publish_and_consume()
    assert {message["to"][0] for message in mailbox.messages()} == {LAN}


def test_a_later_event_of_a_forgotten_order_is_told_to_nobody() -> None:
    StageSetting.objects.filter(type="order.delivered").update(enabled=True)
    order = shipped_order()
    forget_customer(LAN)
    order.refresh_from_db()
    mark_delivered(order_id=order.pk, by="Mai")
    assert Event.objects.get(type="order.delivered").personal["deliver_to"] == []


def test_an_old_link_leads_nowhere() -> None:
    order = shipped_order()
    forget_customer(LAN)
    assert Order.objects.get(pk=order.pk).token != order.token


def test_others_are_left_alone() -> None:
    other = placed_order(contact=contact(email="quang@example.com"))
    forget_customer(LAN)
    other.refresh_from_db()
    assert other.email == "quang@example.com"
    assert Event.objects.get(subject=other.number).personal["customer"]["email"] == other.email


@pytest.mark.parametrize("email", ["not an address", "mai@example.com", LAN])
def test_a_refusal_says_why_and_changes_nothing(email: str) -> None:
    User.objects.create_user("mai", email="mai@example.com", is_staff=True)
    order = placed_order(contact=contact(email=LAN))
    with pytest.raises(CommandError):
        call_command("forget_customer", email)
    order.refresh_from_db()
    assert order.email == LAN
    assert not SuppressedAddress.objects.exists()


def test_the_command_says_what_was_forgotten(capsys: pytest.CaptureFixture[str]) -> None:
    shipped_order()
    call_command("forget_customer", LAN)
    told = capsys.readouterr().out
    assert "1 orders" in told
    assert LAN not in told


def test_no_log_line_holds_an_address(mailbox: Mailbox, kafka_topic: str) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    formatters: Any = django_settings.LOGGING["formatters"]
    line = formatters["line"]
    assert line["()"] == "shop.logs.DiscreetFormatter"
    handler.setFormatter(DiscreetFormatter(line["kind"]))
    logging.getLogger().addHandler(handler)
    try:
        shipped_order()
        mailbox.fault("tempfail_451")
        publish_and_consume()
        logging.getLogger("notifications").warning("550 <%s> is unknown", LAN)
        try:
            int(LAN)
        except ValueError:
            logging.getLogger("shop").exception("It failed")
    finally:
        logging.getLogger().removeHandler(handler)
    assert "<…@…> is unknown" in written.getvalue()
    assert "invalid literal for int() with base 10: '…@…'" in written.getvalue()
    assert LAN not in written.getvalue()
