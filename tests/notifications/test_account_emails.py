"""Emails about accounts: every one in both languages, straight into the ledger, links sealed."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import html5lib
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

import notifications
from devtools.mailbox.client import Mailbox
from notifications.account_emails import (
    KEPT,
    AccountEmail,
    forget_old_addresses,
    queue_account_email,
)
from notifications.consumer import send_due
from notifications.emails import Unwritable, write_email
from notifications.mime import WrittenEmail
from notifications.models import DeadLetter, DeliveryStatus, EmailDelivery
from notifications.outbox import Recipient
from notifications.sealing import seal_text
from notifications.shutdown import Shutdown
from notifications.stages import EVENT_TYPES
from tests.notifications.conftest import Programs, eventually

TEMPLATES = Path(notifications.__file__).parent / "templates" / "notifications"
LINK = f"{settings.SHOP_URL}/accounts/secret-key/"
FACTS: dict[AccountEmail, dict[str, Any]] = {
    AccountEmail.CONFIRM: {"days": 3},
    AccountEmail.CHANGE: {"days": 1},
    AccountEmail.PASSWORD_RESET: {"hours": 1},
    AccountEmail.EMAIL_CHANGED: {"new_address": "new@example.com"},
    AccountEmail.FIND_ORDER: {"number": "G23456789A"},
}
VIETNAMESE = re.compile(r"[ăâđêôơưạảấầậắằẹẽếềệịọỏốồộớờợụủứừựỳỹ]")
each_kind = pytest.mark.parametrize("kind", list(AccountEmail))


def write(kind: AccountEmail, locale: str = "en", **changes: Any) -> WrittenEmail:
    data = {"sealed": {"action": seal_text(LINK)}, **FACTS.get(kind, {}), **changes}
    return write_email(
        event_id=uuid4(),
        event_type=kind.value,
        role="customer",
        address="mai@example.com",
        name="Mai",
        locale=locale,
        message_id="<1@example.com>",
        data=data,
    )


def ask(kind: AccountEmail = AccountEmail.PASSWORD_RESET, **changes: Any) -> EmailDelivery:
    to = Recipient("mai@example.com", "", "vi")
    wanted = {"to": to, "links": {"action": LINK}, "facts": FACTS.get(kind), **changes}
    queue_account_email(kind, **wanted)
    return EmailDelivery.objects.latest("pk")


@each_kind
@pytest.mark.parametrize("locale", ["en", "vi"])
def test_email_is_whole_and_leads_to_its_link(kind: AccountEmail, locale: str) -> None:
    email = write(kind, locale)
    html, text = str(email.alternatives[0][0]), str(email.body)
    html5lib.HTMLParser(strict=True).parse(html)
    assert f'lang="{locale}"' in html
    assert html.count('class="button"') == 1
    assert html.count(LINK) == text.count(LINK) == 1
    assert 10 < len(email.subject) < 100
    for part in (str(email.subject), text, html.partition("</style>")[2]):
        assert not re.search(r"[{}]{2}|{%|%}|\bNone\b", part)
    assert (bool(VIETNAMESE.search(text)), "\n\n\n" in text) == (locale == "vi", False)


@each_kind
def test_email_without_a_fact_it_tells_is_not_written(kind: AccountEmail) -> None:
    for fact in FACTS.get(kind, {}):
        poorer = {key: value for key, value in FACTS[kind].items() if key != fact}
        data = {"sealed": {"action": seal_text(LINK)}, **poorer}
        with pytest.raises(Unwritable, match=f"no {fact}"):
            write_email(
                event_id=uuid4(),
                event_type=kind.value,
                role="customer",
                address="mai@example.com",
                name="",
                locale="en",
                message_id="<1@example.com>",
                data=data,
            )


def test_none_of_them_is_a_stage() -> None:
    assert EVENT_TYPES.isdisjoint(set(AccountEmail))


@pytest.mark.django_db(transaction=True)
def test_email_is_sent_without_kafka(mailbox: Mailbox) -> None:
    asked = ask()
    assert send_due(Shutdown()) == 1
    (found,) = mailbox.messages()
    message = mailbox.message(found["id"])
    assert (message["to"], message["subject"]) == (["mai@example.com"], "Đặt mật khẩu mới")
    assert message["headers"]["X-Event-Type"] == "account.password_reset"
    assert LINK in message["text"]
    asked.refresh_from_db()
    assert (asked.status, asked.value, asked.headers) == (DeliveryStatus.SENT, None, None)


@pytest.mark.django_db(transaction=True)
def test_running_consumer_takes_it_up_with_kafka_away(programs: Programs, mailbox: Mailbox) -> None:
    programs.environment["KAFKA_BOOTSTRAP_SERVERS"] = "127.0.0.1:1"  # nobody listens there
    ask()
    programs.start("run_email_consumer")
    eventually(lambda: bool(mailbox.messages()), seconds=60)


@pytest.mark.django_db
def test_link_cannot_be_read_where_the_email_waits() -> None:
    asked = ask()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT value, ledger::text FROM {EmailDelivery._meta.db_table} ledger")
        value, row = cursor.fetchone()
    assert LINK.encode() not in bytes(value)
    assert LINK not in row
    assert asked.status == DeliveryStatus.CLAIMED


@pytest.mark.django_db(transaction=True)
def test_email_whose_link_has_ended_is_not_sent(mailbox: Mailbox) -> None:
    asked = ask(valid_for=timedelta(seconds=-1))
    send_due(Shutdown())
    asked.refresh_from_db()
    assert (asked.status, asked.reason, asked.value) == (DeliveryStatus.SKIPPED, "stale", None)
    assert mailbox.messages() == []


@pytest.mark.django_db(transaction=True)
def test_email_that_is_not_to_be_sent_keeps_no_address_and_no_link(mailbox: Mailbox) -> None:
    asked = ask(skipped="unknown")
    assert (asked.status, asked.email, asked.value) == (DeliveryStatus.SKIPPED, "", None)
    assert send_due(Shutdown()) == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("kafka_topic")
def test_one_that_cannot_be_written_is_a_dead_letter_without_a_readable_link(
    mailbox: Mailbox,
) -> None:
    ask(facts={})
    send_due(Shutdown())
    letter = DeadLetter.objects.get()
    assert (letter.reason, letter.event_type) == ("render", "account.password_reset")
    assert LINK.encode() not in bytes(letter.value or b"")
    assert mailbox.messages() == []


@pytest.mark.django_db
def test_addresses_are_forgotten_after_a_month_and_those_of_orders_are_not() -> None:
    old, new = ask(), ask()
    settled = {"status": DeliveryStatus.SKIPPED, "email": "mai@example.com"}
    EmailDelivery.objects.filter(pk__in=[old.pk, new.pk]).update(**settled)
    EmailDelivery.objects.filter(pk=old.pk).update(created_at=timezone.now() - KEPT)
    assert forget_old_addresses() == 1
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.email, new.email) == ("", "mai@example.com")
