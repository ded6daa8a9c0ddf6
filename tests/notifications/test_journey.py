"""From a recorded event to an accepted email, over PostgreSQL, Kafka and SMTP."""

import pytest

from devtools.mailbox.client import Mailbox
from notifications.models import DeliveryStatus, OutboxEntry, PublishedEvent
from tests.notifications.conftest import consume, publish, publish_and_consume
from tests.notifications.examples import DECLINED, delivery_of, record

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("kafka_topic"),
]


def test_confirmed_order_is_mailed_to_its_customer(mailbox: Mailbox) -> None:
    event = record("G-1")
    publish_and_consume()
    summary = mailbox.messages()[0]
    message = mailbox.message(summary["id"])
    assert message["to"] == ["mai@example.com"]
    assert message["subject"] == "Your order G-1 is confirmed"
    assert "$27.50" in message["text"]
    assert "http://127.0.0.1:8000/orders/G-1/token/" in message["html"]
    assert message["headers"]["X-Event-Id"] == str(event.pk)
    delivery = delivery_of(event)
    assert delivery.status == DeliveryStatus.SENT
    assert delivery.message_id == message["message_id"]
    assert delivery.value is None


def test_published_event_knows_its_place_and_leaves_the_outbox(kafka_topic: str) -> None:
    event = record("G-1")
    assert publish() == 1
    assert not OutboxEntry.objects.exists()
    place = PublishedEvent.objects.get(event=event)
    assert (place.topic, place.offset) == (kafka_topic, 0)


def test_emails_of_one_order_arrive_in_its_order(mailbox: Mailbox) -> None:
    record("G-1", event_type="order.payment_failed", **DECLINED)
    record("G-1")
    publish_and_consume()
    subjects = [message["subject"] for message in mailbox.messages()]
    assert subjects == [
        "Your payment for order G-1 did not go through",
        "Your order G-1 is confirmed",
    ]


def test_reading_the_whole_topic_again_sends_nothing_twice(
    mailbox: Mailbox, settings: object
) -> None:
    for number in range(5):
        record(f"G-{number}")
    assert publish_and_consume() == 5
    settings.KAFKA_EMAIL_GROUP += "-anew"  # type: ignore[attr-defined]
    assert consume() == 0
    assert len(mailbox.messages()) == 5
