"""From the outbox to Kafka, whatever stands in the way."""

import pytest
from django.db import OperationalError, transaction
from pytest_django import Settings

from devtools.ports import free_port
from notifications import kafka, relay
from notifications.models import OutboxEntry, PublishedEvent, QuarantinedEvent
from notifications.outbox import record_event
from notifications.shutdown import Shutdown
from tests.notifications.conftest import eventually, publish
from tests.notifications.examples import record
from tests.notifications.topic import read_topic

pytestmark = [pytest.mark.django_db(transaction=True)]


def record_too_large() -> None:
    with transaction.atomic():
        record_event(
            type="order.superseded",
            subject="G-2",
            customer=None,
            body={"blob": "x" * 2_000_000},
            personal={},
        )


def test_event_too_large_for_kafka_is_set_aside_and_the_rest_flows(kafka_topic: str) -> None:
    record("G-1")
    record_too_large()
    record("G-3")
    publish()
    assert QuarantinedEvent.objects.get().event.subject == "G-2"
    assert PublishedEvent.objects.count() == 2
    assert not OutboxEntry.objects.exists()


def test_kafka_away_keeps_the_outbox(kafka_topic: str, settings: Settings) -> None:
    settings.KAFKA_BOOTSTRAP_SERVERS = f"127.0.0.1:{free_port()}"
    record("G-1")
    with pytest.raises(kafka.KafkaAway):
        publish()
    assert OutboxEntry.objects.count() == 1


def test_missing_topics_are_created_with_their_retention(
    real_kafka: None, kafka_topic: str, settings: Settings
) -> None:
    settings.KAFKA_EMAIL_TOPIC = f"{kafka_topic}-new"
    settings.KAFKA_DEAD_LETTER_TOPIC = f"{kafka_topic}-new.dlt"
    kafka.ensure_topics()
    kafka.ensure_topics()
    record("G-1")
    eventually(lambda: publish() == 1)
    assert len(read_topic(settings.KAFKA_EMAIL_TOPIC)) == 1
    assert len(kafka.lag()) == kafka.PARTITIONS


def record_many(count: int) -> list[bytes]:
    return [str(record("G-1").pk).encode() for _ in range(count)]


def ids_on(topic: str) -> list[object]:
    return [dict(message.headers() or [])["ce_id"] for message in read_topic(topic)]


def test_batch_claimed_in_portions_is_published_whole_and_in_order(
    kafka_topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "PORTION", 2)
    recorded = record_many(5)
    assert relay.Relay(Shutdown()).publish_waiting() == 5
    assert ids_on(kafka_topic) == recorded
    assert PublishedEvent.objects.count() == 5


def test_batch_broken_off_between_portions_is_published_again_in_order(
    kafka_topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = relay._claim

    def claim_once(limit: int) -> list[relay.Claimed]:
        monkeypatch.setattr(relay, "_claim", lose_the_connection)
        return claim(limit)

    monkeypatch.setattr(relay, "PORTION", 2)
    monkeypatch.setattr(relay, "_claim", claim_once)
    recorded, worker = record_many(5), relay.Relay(Shutdown())
    with pytest.raises(OperationalError):
        worker.publish_waiting()
    assert OutboxEntry.objects.count() == 5
    monkeypatch.setattr(relay, "_claim", claim)
    assert worker.publish_waiting() == 5
    assert ids_on(kafka_topic)[-5:] == recorded


def lose_the_connection(_limit: int) -> list[relay.Claimed]:
    raise OperationalError("the connection is gone")
