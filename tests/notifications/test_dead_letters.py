"""What cannot be dealt with is set aside, stops nobody, and can be replayed."""

from collections.abc import Generator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from devtools.mailbox.client import Mailbox
from notifications.delivery import MOST_DEAD_IN_A_ROW
from notifications.models import DeadLetter, DeliveryStatus, EmailDelivery
from notifications.outbox import Recipient
from notifications.rendering import engine
from tests.notifications.conftest import consume, publish, publish_and_consume
from tests.notifications.examples import delivery_of, record
from tests.notifications.topic import headers_of, read_topic, write_topic

pytestmark = [pytest.mark.django_db(transaction=True)]


def read_templates(*folders: Path) -> None:
    """Look for templates in these folders first, and forget those already read."""
    engine().dirs = [str(folder) for folder in folders]
    for loader in engine().template_loaders:
        loader.reset()


@pytest.fixture
def broken_template(tmp_path: Path) -> Generator[None]:
    """Put a faulty template before the right one."""
    place = tmp_path / "notifications" / "order.confirmed" / "customer"
    place.mkdir(parents=True)
    (place / "body.html").write_text("{# Faulty. #}\n{{ order.number|money:'USD' }}")
    read_templates(tmp_path)
    yield
    read_templates()


def test_poison_is_set_aside_and_the_rest_flows(kafka_topic: str, mailbox: Mailbox) -> None:
    write_topic(kafka_topic, key=b"G-1", value=b"\x80", headers=[("ce_id", b"\x00")])
    record("G-1")
    assert publish_and_consume() == 1
    letter = DeadLetter.objects.get()
    assert (letter.reason, letter.topic) == ("undecodable", kafka_topic)
    (copy,) = read_topic(f"{kafka_topic}.dlt")
    headers = headers_of(copy)
    assert (copy.key(), copy.value()) == (b"G-1", b"\x80")
    assert (headers["ce_id"], headers["dlt_reason"]) == ("\x00", "undecodable")
    assert (headers["dlt_topic"], headers["dlt_offset"]) == (kafka_topic, str(letter.offset))


def test_poison_read_again_is_no_second_dead_letter(kafka_topic: str, settings: Settings) -> None:
    write_topic(kafka_topic, key=b"G-1", value=b"\x80", headers=[])
    consume()
    settings.KAFKA_EMAIL_GROUP += "-anew"
    consume()
    assert len(read_topic(f"{kafka_topic}.dlt")) == 1


def test_template_error_kills_that_email_before_any_send(
    kafka_topic: str, mailbox: Mailbox, broken_template: None
) -> None:
    event = record("G-1")
    publish_and_consume()
    delivery = delivery_of(event)
    assert (delivery.status, delivery.reason) == (DeliveryStatus.DEAD, "render")
    assert "body.html, line 2" in DeadLetter.objects.get().error
    assert mailbox.messages() == []


def test_replayed_email_is_sent_once_its_template_is_mended(
    kafka_topic: str, mailbox: Mailbox, broken_template: None
) -> None:
    event = record("G-1")
    publish_and_consume()
    read_templates()
    call_command("replay_dead_letters", "--reason", "render")
    assert consume() == 1
    assert delivery_of(event).status == DeliveryStatus.SENT
    assert DeadLetter.objects.get().replayed_at


def test_address_that_would_inject_a_header_is_a_dead_letter(
    kafka_topic: str, mailbox: Mailbox
) -> None:
    hostile = Recipient("mai@example.com\r\nBcc: all@example.com", "Mai", "en")
    event = record("G-1", customer=hostile)
    publish_and_consume()
    assert (delivery_of(event).status, delivery_of(event).reason) == ("DEAD", "address")
    assert mailbox.messages() == []


def test_many_bad_addresses_in_a_row_stop_nobody(kafka_topic: str, mailbox: Mailbox) -> None:
    for number in range(MOST_DEAD_IN_A_ROW + 1):
        record(f"G-{number}", customer=Recipient("nobody", "Mai", "en"))
    publish()
    assert consume() == 0
    record("G-0")
    assert publish_and_consume() == 1
    assert DeadLetter.objects.count() == MOST_DEAD_IN_A_ROW + 1


def test_replay_chooses_and_dry_run_changes_nothing(
    kafka_topic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_topic(kafka_topic, key=b"G-1", value=b"\x80", headers=[])
    consume()
    call_command("replay_dead_letters", "--type", "order.confirmed", "--dry-run")
    call_command("replay_dead_letters", "--since", "2020-01-01", "--dry-run")
    printed = capsys.readouterr().out
    assert "0 dead letters to replay" in printed
    assert "1 dead letters to replay" in printed
    assert DeadLetter.objects.get().replayed_at is None


def test_letter_that_still_cannot_be_read_stays_dead(kafka_topic: str) -> None:
    write_topic(kafka_topic, key=b"G-1", value=b"\x80", headers=[])
    consume()
    with pytest.raises(CommandError, match="1 could not be replayed"):
        call_command("replay_dead_letters")
    assert DeadLetter.objects.get().replayed_at is None


def test_unknown_email_cannot_be_resent() -> None:
    with pytest.raises(CommandError, match="no email 4711"):
        call_command("resend_email", "4711")


def test_resend_command_queues_the_email(kafka_topic: str, mailbox: Mailbox) -> None:
    record("G-1")
    publish()
    consume()
    call_command("resend_email", str(EmailDelivery.objects.get().pk))
    assert consume() == 1
