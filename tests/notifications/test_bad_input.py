"""Whatever stands on the topic ends in a stated place and stops nobody else's mail."""

import json
from typing import Any
from uuid import uuid4

import pytest

from devtools.example_events import receipt_body, receipt_personal
from devtools.mailbox.client import Mailbox
from notifications.events import Headers
from notifications.models import DeadLetter, EmailDelivery
from notifications.outbox import Recipient
from tests.notifications.conftest import consume, publish, publish_and_consume
from tests.notifications.examples import delivery_of, record
from tests.notifications.topic import (
    allow_large_messages,
    headers_of,
    read_topic,
    write_topic,
)

pytestmark = [pytest.mark.django_db(transaction=True)]


def headers(**changed: str | None) -> Headers:
    """Return an event's headers with some changed, or left out."""
    named: dict[str, str | None] = {
        "ce_specversion": "1.0",
        "ce_id": str(uuid4()),
        "ce_type": "order.confirmed",
        "ce_source": "http://127.0.0.1:8000",
        "ce_time": "2026-01-02T03:04:05+00:00",
        "ce_subject": "G-1",
        "content-type": "application/json",
        **changed,
    }
    return [(name, text.encode()) for name, text in named.items() if text is not None]


def value(**changed: Any) -> bytes:
    told = {"role": "customer", "email": "mai@example.com", "name": "Mai", "locale": "en"}
    data = {
        "schema_version": 1,
        "valid_until": None,
        "covered_by": None,
        "deliver_to": [told],
        **receipt_body("G-1"),
        **receipt_personal("G-1"),
        **changed,
    }
    return json.dumps(data).encode()


@pytest.mark.parametrize(
    ("key", "content", "named", "reason"),
    [
        pytest.param(b"G-1", b"\x00\xff\x80", headers(), "undecodable", id="garbage"),
        pytest.param(b"G-1", None, headers(), "undecodable", id="no value"),
        pytest.param(b"G-1", value(), headers(ce_type="order.eaten"), "unknown_type", id="type"),
        pytest.param(b"G-1", value(schema_version=2), headers(), "schema", id="future version"),
        pytest.param(b"G-1", value(), [], "undecodable", id="no headers"),
        pytest.param(b"G-1", value(), headers(ce_id=None), "undecodable", id="no id"),
        pytest.param(b"G-1", value(), headers(ce_time=None), "undecodable", id="no time"),
        pytest.param(b"G-2", value(), headers(), "schema", id="another key"),
        pytest.param(None, value(), headers(), "schema", id="no key"),
        pytest.param(b"G-1", value(deliver_to="all"), headers(), "schema", id="no recipients"),
        pytest.param(b"\0", value(), headers(ce_subject="\0"), "schema", id="no subject"),
        pytest.param(b"G-1", value(valid_until="soon"), headers(), "schema", id="until when"),
        pytest.param(b"G-1", value(valid_until=5), headers(), "schema", id="until 5"),
        pytest.param(b"G-1", b"[" * 900_000, headers(), "undecodable", id="deeply nested"),
        pytest.param(b"G-1", value(totals={}), headers(), "render", id="facts missing"),
    ],
)
def test_message_that_cannot_be_mailed_is_a_dead_letter_and_the_next_is_sent(
    kafka_topic: str,
    mailbox: Mailbox,
    key: bytes | None,
    content: bytes | None,
    named: Headers,
    reason: str,
) -> None:
    write_topic(kafka_topic, key=key, value=content, headers=named)
    record("G-1")
    publish()
    assert consume() == 1
    assert DeadLetter.objects.get().reason == reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"\x80" * 5_000_000, "undecodable", id="garbage"),
        pytest.param(value(deliver_to="all", blob="x" * 5_000_000), "schema", id="event"),
    ],
)
def test_message_of_5_mb_is_a_dead_letter_whose_copy_says_what_is_left_out(
    real_kafka: None, kafka_topic: str, mailbox: Mailbox, content: bytes, reason: str
) -> None:
    allow_large_messages(kafka_topic)
    write_topic(kafka_topic, key=b"G-1", value=content, headers=headers())
    record("G-1")
    publish()
    assert consume() == 1
    letter = DeadLetter.objects.get()
    assert (letter.reason, len(letter.value or b"")) == (reason, len(content))
    (copy,) = read_topic(f"{kafka_topic}.dlt")
    assert headers_of(copy)["dlt_offset"] == "0"
    assert "dlt_left_out" in headers_of(copy)


def test_email_of_5_mb_that_cannot_be_written_is_a_dead_letter(
    real_kafka: None, kafka_topic: str, mailbox: Mailbox
) -> None:
    allow_large_messages(kafka_topic)
    large = value(totals={}, blob="x" * 5_000_000)
    write_topic(kafka_topic, key=b"G-1", value=large, headers=headers())
    record("G-2")
    publish()
    assert consume() == 1
    assert EmailDelivery.objects.get(subject="G-1").status == "DEAD"


@pytest.mark.parametrize("name", ["M" * 10_000, "\u202eمريم الحسن", 'Mai" <x@example.com>, "'])
def test_customers_name_may_be_anything(kafka_topic: str, mailbox: Mailbox, name: str) -> None:
    event = record("G-1", customer=Recipient("mai@example.com", name, "en"))
    assert publish_and_consume() == 1
    assert delivery_of(event).status == "SENT"
    assert [message["to"] for message in mailbox.messages()] == [["mai@example.com"]]


@pytest.mark.usefixtures("long_pauses")
def test_address_refused_for_now_does_not_hold_up_the_rest(
    kafka_topic: str, mailbox: Mailbox
) -> None:
    mailbox.fault("tempfail_451")
    for number in range(5):
        record(f"G-{number}")
    assert publish_and_consume() == 4
    assert EmailDelivery.objects.filter(status="DEFERRED").count() == 1
