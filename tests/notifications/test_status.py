"""What the pipeline tells about itself."""

from datetime import timedelta

import pytest
from django.utils import timezone

from devtools.mailbox.client import Mailbox
from notifications import heartbeat, status
from notifications.models import Heartbeat
from tests.notifications.conftest import publish, publish_and_consume
from tests.notifications.examples import record

pytestmark = [pytest.mark.django_db(transaction=True)]


def test_outbox_tells_its_depth_and_age() -> None:
    assert (status.outbox_depth(), status.outbox_oldest_seconds()) == (0, 0)
    record("G-1")
    record("G-2")
    assert status.outbox_depth() == 2
    assert status.outbox_oldest_seconds() > 0


def test_order_tells_its_events_and_emails(kafka_topic: str, mailbox: Mailbox) -> None:
    event = record("G-1")
    record("G-2")
    publish_and_consume()
    (told,) = status.events_of("G-1")
    assert (told["id"], told["type"]) == (str(event.pk), "order.confirmed")
    assert (told["topic"], told["partition"] in range(4)) == (kafka_topic, True)
    (email,) = status.deliveries_of("G-1")
    assert (email["to"], email["status"], email["attempts"]) == ("mai@example.com", "SENT", 1)
    assert status.emails_by_type_and_status() == {("order.confirmed", "SENT"): 2}


def test_unpublished_event_has_no_place_yet() -> None:
    record("G-1")
    (told,) = status.events_of("G-1")
    assert (told["topic"], told["partition"], told["offset"]) == (None, None, None)


def test_delays_are_told_of_what_was_accepted_lately(kafka_topic: str, mailbox: Mailbox) -> None:
    hour_ago = timezone.now() - timedelta(hours=1)
    assert status.delays_since(hour_ago) is None
    record("G-1")
    publish_and_consume()
    delays = status.delays_since(hour_ago)
    assert delays
    assert 0 < delays[0] <= delays[1]
    assert status.delays_since(timezone.now()) is None
    assert status.emails_by_type_and_status(timezone.now()) == {}


def test_lag_is_what_the_group_has_not_read(kafka_topic: str) -> None:
    record("G-1")
    publish()
    assert sum(status.consumer_lag(10).values()) == 1


def test_youngest_heartbeat_of_a_program_counts() -> None:
    old = timezone.now() - timedelta(minutes=10)
    Heartbeat.objects.create(program="clock", instance="a", at=old)
    heartbeat.beat("clock", instance="b")
    heartbeat.beat("clock", instance="b")
    assert Heartbeat.objects.count() == 2
    assert status.heartbeats()["clock"] < 60
