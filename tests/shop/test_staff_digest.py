"""The daily digest: what is not urgent, told once a day, whatever the number of clocks."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings
from time_machine import travel

from devtools.mailbox.client import Mailbox
from notifications.models import DeadLetter, Event, QuarantinedEvent
from orders.models import Order
from shop.clock import tick
from shop.failures import record_failure
from shop.models import FailedPlacement
from shop.placement_records import FailureStatus
from shop.staff_digest import tell_staff_daily
from tests.factories import placement
from tests.notifications.conftest import publish_and_consume
from tests.notifications.examples import record
from tests.shop.flows import paid_order
from tests.together import together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def staff(settings: Settings) -> None:
    settings.STAFF_EMAIL = ["staff@example.com"]


def failed_placements(number: int = 1) -> None:
    for _ in range(number):
        record_failure(placement(), ValueError("broken"))


def digests() -> list[dict[str, Any]]:
    """Return what each digest told, oldest first: how many of what."""
    events = Event.objects.filter(type="staff.attention").order_by("recorded_at")
    bodies = [event.body["attention"] for event in events if "day" in event.body["attention"]]
    return [{case["what"]: case["count"] for case in body["cases"]} for body in bodies]


def test_nothing_waits_and_nobody_is_told() -> None:
    paid_order()
    assert tell_staff_daily() == 0
    assert digests() == []


def test_what_waits_is_told_once_a_day_until_it_is_done() -> None:
    with travel(datetime(2026, 5, 1, 9, tzinfo=UTC)) as clock:
        failed_placements(2)
        tick()
        failed_placements()
        clock.shift(14 * 3600)
        tick()
        assert digests() == [{"failed_placements": 2}]
        clock.shift(3600)
        tick()
        assert digests()[1:] == [{"failed_placements": 3}]
        FailedPlacement.objects.update(status=FailureStatus.REFUSED)
        clock.shift(24 * 3600)
        tick()
    assert len(digests()) == 2


def test_everything_that_waits_stands_in_it() -> None:
    failed_placements()
    Order.objects.filter(pk=paid_order().pk).update(cancel_wished_at=timezone.now())
    DeadLetter.objects.create(reason="render", topic="t", headers=[], fingerprint="f")
    QuarantinedEvent.objects.create(event=record("G-1"), error="too large")
    tell_staff_daily()
    kinds = ("failed_placements", "wishes_to_cancel", "dead_letters", "refused_events")
    assert digests() == [dict.fromkeys(kinds, 1)]


def test_clocks_at_once_tell_it_once() -> None:
    failed_placements()
    assert sorted(map(str, together([tell_staff_daily] * 4))) == ["0", "0", "0", "1"]
    assert len(digests()) == 1


def test_staff_are_mailed_with_the_ways_to_each(kafka_topic: str, mailbox: Mailbox) -> None:
    failed_placements(3)
    tell_staff_daily()
    publish_and_consume()
    (message,) = mailbox.messages()
    text = mailbox.message(message["id"])["text"]
    assert message["to"] == ["staff@example.com"]
    assert message["subject"].startswith("Daily summary for ")
    assert "3 orders could not be placed" in text
    assert "/admin/shop/failedplacement/?status__exact=OPEN" in text
