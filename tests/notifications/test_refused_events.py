"""What Kafka refused waits for a person, who has it published again or gives it up."""

from typing import Any

import pytest
from django.core.management import call_command

from devtools.mailbox.client import Mailbox
from notifications import status
from notifications.models import Event, OutboxEntry, PublishedEvent, QuarantinedEvent
from notifications.refused_events import give_up_refused, publish_refused
from tests.notifications.conftest import consume, publish
from tests.notifications.examples import delivery_of, record
from tests.notifications.topic import allow_messages_of
from tests.paying import violations
from tests.together import together

pytestmark = [pytest.mark.django_db(transaction=True)]


def refused(number: str = "G-1", **changes: Any) -> Event:
    """Record an event and set it aside as the relay does."""
    event = record(number, **changes)
    OutboxEntry.objects.filter(event=event).delete()
    QuarantinedEvent.objects.create(event=event, error="too large")
    return event


def test_what_was_too_large_is_published_and_mailed_once_the_topic_allows_it(
    real_kafka: None, kafka_topic: str, mailbox: Mailbox
) -> None:
    allow_messages_of(kafka_topic, 200)
    event = record("G-1")
    publish()
    assert status.quarantined_count() == 1
    assert publish_refused() == 1
    publish()
    assert status.quarantined_count() == 1  # nothing was raised: it came back
    allow_messages_of(kafka_topic, 100_000)
    publish_refused()
    publish()
    assert consume() == 1
    assert (status.quarantined_count(), delivery_of(event).status) == (0, "SENT")


def test_what_is_given_up_stays_in_the_history_and_its_email_is_accounted_for() -> None:
    event, other = refused("G-1"), refused("G-2")
    assert give_up_refused([event.pk], by="Lan") == 1
    row = QuarantinedEvent.objects.get(pk=event.pk)
    assert (row.given_up_by, row.given_up_at is None) == ("Lan", False)
    assert (delivery_of(event).status, delivery_of(event).reason) == ("SKIPPED", "refused")
    assert [one.pk for one in QuarantinedEvent.objects.waiting()] == [other.pk]
    assert "events_are_on_their_way" not in violations()


def test_what_was_given_up_is_never_published() -> None:
    refused()
    give_up_refused(by="Lan")
    assert (publish_refused(), give_up_refused(by="Mai")) == (0, 0)
    assert not OutboxEntry.objects.exists()


def test_an_event_whose_customer_was_forgotten_can_be_given_up() -> None:
    event = refused()
    Event.objects.filter(pk=event.pk).update(personal={})
    assert give_up_refused(by="Lan") == 1


@pytest.mark.parametrize("round_", range(3))
def test_publishing_and_giving_up_at_once_is_one_of_both(round_: int) -> None:
    event = refused()
    done = together([publish_refused, lambda: give_up_refused(by="Lan")])
    assert sorted(map(str, done)) == ["0", "1"]
    assert OutboxEntry.objects.filter(event=event).exists() == (done[0] == 1)
    assert QuarantinedEvent.objects.exists() == (done[1] == 1)


def test_the_command_lists_chooses_and_publishes(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = refused("G-1"), refused("G-2")
    call_command("republish_refused", "--dry-run")
    assert f"{first.pk}  order.confirmed G-1: too large" in capsys.readouterr().out
    call_command("republish_refused", "--id", str(second.pk))
    call_command("republish_refused", "--give-up")
    said = capsys.readouterr().out
    assert said == "1 events will be published again.\n1 events given up.\n"
    assert OutboxEntry.objects.get().event == second
    assert not PublishedEvent.objects.exists()
