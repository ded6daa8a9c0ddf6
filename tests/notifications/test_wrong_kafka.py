"""A Kafka that is not as it should be: each fault ends in a stated place, and nothing is lost."""

import socket
import uuid
from collections.abc import Generator
from datetime import UTC, datetime

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from django.core.management import call_command
from pytest_django import Settings

from devtools.mailbox.client import Mailbox
from notifications import kafka
from notifications.models import EmailDelivery, Heartbeat, OutboxEntry
from notifications.republishing import unheard_events
from tests.notifications.conftest import (
    Programs,
    consume,
    eventually,
    publish,
    publish_and_consume,
)
from tests.notifications.examples import record

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("real_kafka"),
]


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def admin(settings: Settings) -> AdminClient:
    return AdminClient({"bootstrap.servers": settings.KAFKA_BOOTSTRAP_SERVERS})


def delete_topics(settings: Settings) -> None:
    both = [settings.KAFKA_EMAIL_TOPIC, settings.KAFKA_DEAD_LETTER_TOPIC]
    asked = admin(settings)  # must outlive its answers
    for future in asked.delete_topics(both).values():
        future.result(20)


@pytest.fixture
def narrow_topic(kafka_topic: str, settings: Settings) -> Generator[None]:
    """Let the topic have one partition."""
    name = f"{kafka_topic}-{uuid.uuid4().hex[:6]}"
    settings.KAFKA_EMAIL_TOPIC, settings.KAFKA_DEAD_LETTER_TOPIC = name, f"{name}.dlt"
    asked = admin(settings)
    for future in asked.create_topics([NewTopic(name, 1, 1)]).values():
        future.result(20)
    yield
    delete_topics(settings)


def sent() -> int:
    return EmailDelivery.objects.filter(status="SENT").count()


# --- Too few partitions


def test_topic_of_one_partition_is_said_and_serves(
    narrow_topic: None, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    record("G-1")
    record("G-2")
    assert publish_and_consume() == 2
    assert "has 1 partitions, not 12" in caplog.text


def test_consumer_without_a_partition_says_that_it_stands_by(
    narrow_topic: None, mailbox: Mailbox, programs: Programs, settings: Settings
) -> None:
    programs.environment["KAFKA_EMAIL_TOPIC"] = settings.KAFKA_EMAIL_TOPIC
    publish()  # makes the dead letters' topic
    for _ in range(2):
        programs.start("run_email_consumer")

    def one_stands_by() -> bool:
        beats = Heartbeat.objects.filter(program="consumer").values_list("detail", flat=True)
        return sorted(bool(detail) for detail in beats) == [False, True]

    eventually(one_stands_by, seconds=40)
    for number in range(5):
        record(f"G-{number}")
    publish()
    eventually(lambda: sent() == 5)
    assert len(mailbox.messages()) == 5


# --- No topic


def test_topic_deleted_under_the_programs_is_made_anew_and_read(
    kafka_topic: str, mailbox: Mailbox, programs: Programs, settings: Settings
) -> None:
    for program in ("run_outbox_relay", "run_email_consumer"):
        programs.start(program)
    record("G-1")
    eventually(lambda: sent() == 1, seconds=40)
    delete_topics(settings)
    record("G-2")
    eventually(lambda: sent() == 2, seconds=60)
    assert not OutboxEntry.objects.exists()
    assert len(mailbox.messages()) == 2
    assert len(kafka.lag(10)) == kafka.PARTITIONS


def test_event_lost_with_its_topic_is_published_again_and_mailed_once(
    kafka_topic: str, mailbox: Mailbox, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    record("G-1")
    assert publish_and_consume() == 1
    record("G-2")
    publish()
    settings.KAFKA_EMAIL_TOPIC = f"{kafka_topic}.dlt"  # another topic: the first is gone
    assert consume() == 0
    call_command("republish_events", "--since", "2020-01-01", "--dry-run")
    assert "1 events to publish again" in capsys.readouterr().out
    for _ in range(2):
        call_command("republish_events", "--since", "2020-01-01")
        publish()
    assert consume() == 1
    assert [one["headers"]["X-Order-Number"] for one in mailbox.messages()] == ["G-1", "G-2"]
    assert not unheard_events(EPOCH).exists()


# --- Not the Kafka that is meant


@pytest.mark.parametrize("program", ["run_outbox_relay", "run_email_consumer"])
@pytest.mark.parametrize("mode", [(), ("--once",)], ids=["running", "once"])
def test_other_cluster_than_the_one_meant_ends_the_program_with_a_sentence(
    kafka_topic: str, programs: Programs, program: str, mode: tuple[str, ...]
) -> None:
    record("G-1")
    programs.environment["KAFKA_CLUSTER_ID"] = "the-right-one"
    status, printed = programs.run(program, *mode)
    assert status == 1
    assert printed.strip().splitlines()[-1].endswith("KAFKA_CLUSTER_ID says the-right-one.")
    assert "Traceback" not in printed
    assert OutboxEntry.objects.count() == 1


def test_cluster_that_is_meant_is_served(
    kafka_topic: str, mailbox: Mailbox, settings: Settings
) -> None:
    settings.KAFKA_CLUSTER_ID = admin(settings).list_topics(timeout=10).cluster_id
    record("G-1")
    assert publish_and_consume() == 1


@pytest.mark.parametrize("program", ["run_outbox_relay", "run_email_consumer"])
def test_address_where_no_kafka_answers_is_said_in_a_sentence(
    kafka_topic: str, programs: Programs, program: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        programs.environment["KAFKA_BOOTSTRAP_SERVERS"] = f"127.0.0.1:{port}"
        record("G-1")
        status, printed = programs.run(program, "--once")
    assert status == 1
    assert "Traceback" not in printed
    assert OutboxEntry.objects.count() == 1
