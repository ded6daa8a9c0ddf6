"""Programs killed and started again: nothing lost, nothing doubled that is not listed."""

import signal

import pytest
from confluent_kafka import Message
from django.db import transaction
from pytest_django import Settings

from devtools.mailbox.client import Mailbox
from notifications.models import DeliveryStatus, EmailDelivery, OutboxEntry, PublishedEvent
from tests.notifications.conftest import Programs, consume, eventually, publish
from tests.notifications.examples import delivery_of, record
from tests.notifications.topic import headers_of, read_topic, write_topic

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("real_kafka"),
]


def first_seen(messages: list[Message]) -> list[str]:
    """Return the events' ids in the order of their first appearance."""
    return list(dict.fromkeys(headers_of(message)["ce_id"] for message in messages))


def test_relay_killed_mid_batch_loses_nothing_and_keeps_each_orders_order(
    programs: Programs, kafka_topic: str
) -> None:
    with transaction.atomic():
        recorded = [record(f"G-{index % 7}") for index in range(1100)]
    relay = programs.start("run_outbox_relay")
    eventually(PublishedEvent.objects.exists)
    programs.kill(relay)
    assert programs.run("run_outbox_relay", "--once")[0] == 0
    assert not OutboxEntry.objects.exists()
    messages = read_topic(kafka_topic)
    for number in range(7):
        wanted = [str(event.pk) for event in recorded if event.subject == f"G-{number}"]
        key = f"G-{number}".encode()
        assert first_seen([message for message in messages if message.key() == key]) == wanted


def test_standby_relay_takes_over_from_a_killed_one(programs: Programs) -> None:
    first = programs.start("run_outbox_relay")
    record("G-1")
    eventually(PublishedEvent.objects.exists)
    programs.start("run_outbox_relay")
    programs.kill(first)
    record("G-1")
    eventually(lambda: PublishedEvent.objects.count() == 2)


def test_consumer_killed_while_sending_lists_the_unknown_and_sends_it_once_more(
    programs: Programs, mailbox: Mailbox
) -> None:
    event = record("G-1")
    publish()
    mailbox.fault("slow_dot", delay_ms=3000)
    consumer = programs.start("run_email_consumer")
    eventually(EmailDelivery.objects.filter(status=DeliveryStatus.SENDING).exists)
    programs.kill(consumer)
    mailbox.clear_faults()
    assert programs.run("run_email_consumer", "--once")[0] == 0
    delivery = delivery_of(event)
    assert (delivery.status, delivery.unknown) == (DeliveryStatus.SENT, 1)
    ids = {message["message_id"] for message in mailbox.messages()}
    assert ids == {delivery.message_id}
    assert consume() == 0


def test_consumer_killed_between_emails_loses_nothing(
    programs: Programs, mailbox: Mailbox, settings: Settings
) -> None:
    for number in range(30):
        record(f"G-{number}")
    publish()
    consumer = programs.start("run_email_consumer")
    eventually(EmailDelivery.objects.filter(status=DeliveryStatus.SENT).exists)
    programs.kill(consumer)
    programs.run("run_email_consumer", "--once")
    unknown = sum(EmailDelivery.objects.values_list("unknown", flat=True))
    assert EmailDelivery.objects.filter(status=DeliveryStatus.SENT).count() == 30
    assert 30 <= len(mailbox.messages()) <= 30 + unknown
    assert unknown <= settings.EMAIL_CONNECTIONS


@pytest.mark.parametrize("command", ["run_outbox_relay", "run_email_consumer"])
def test_program_told_to_end_finishes_and_exits_with_0(
    programs: Programs, mailbox: Mailbox, command: str
) -> None:
    program = programs.start(command)
    record("G-1")
    if command == "run_email_consumer":
        publish()
        eventually(lambda: len(mailbox.messages()) == 1)
    else:
        eventually(PublishedEvent.objects.exists)
    program.send_signal(signal.SIGTERM)
    assert program.wait(15) == 0


def test_more_than_50_dead_letters_in_a_row_stop_the_consumer(
    programs: Programs, kafka_topic: str
) -> None:
    for number in range(51):
        write_topic(kafka_topic, key=b"G-1", value=b"{", headers=[("ce_id", b"%d" % number)])
    status, output = programs.run("run_email_consumer")
    assert status == 3
    assert "51 dead letters in a row" in output
