"""What an event fixes when it is recorded."""

from typing import Any

import pytest
from django.db import InternalError, transaction
from pytest_django import Settings

from notifications.models import Event, OutboxEntry, StageSetting
from notifications.outbox import record_event
from notifications.stages import EVENT_TYPES, STAGES, UNTOLD_TYPES
from tests.notifications.examples import MAI, order_body, order_personal, record

pytestmark = pytest.mark.django_db(transaction=True)


def told(event: Event) -> list[tuple[str, str]]:
    """Return the roles and addresses an event is told to."""
    return [(entry["role"], entry["email"]) for entry in event.personal["deliver_to"]]


def switch(event_type: str, role: str, *, enabled: bool) -> None:
    StageSetting.objects.update_or_create(type=event_type, role=role, defaults={"enabled": enabled})


def test_recording_outside_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        record_event(
            type="order.confirmed",
            subject="G-1",
            customer=MAI,
            body=order_body("G-1"),
            personal=order_personal("G-1"),
        )
    assert not Event.objects.exists()


def test_rolled_back_order_leaves_no_event() -> None:
    def place_and_fail() -> None:
        with transaction.atomic():
            record("G-1")
            raise LookupError

    with pytest.raises(LookupError):
        place_and_fail()
    assert not OutboxEntry.objects.exists()


def test_unknown_type_is_refused() -> None:
    with pytest.raises(ValueError, match=r"order\.lost"):
        record(event_type="order.lost")


def test_customer_is_told_of_a_stage_that_is_on() -> None:
    assert told(record()) == [("customer", "mai@example.com")]


def test_stage_switched_off_is_told_to_nobody_from_then_on() -> None:
    before = record("G-1")
    switch("order.confirmed", "customer", enabled=False)
    assert told(record("G-2")) == []
    assert told(Event.objects.get(pk=before.pk)) != []


def test_unnotified_event_is_recorded_and_told_to_nobody() -> None:
    event = record(notify=False)
    assert told(event) == []
    assert OutboxEntry.objects.filter(event=event).exists()


def test_stage_that_is_off_by_default_is_told_once_staff_switch_it_on() -> None:
    assert told(record(event_type="order.placed")) == []
    switch("order.placed", "customer", enabled=True)
    assert told(record(event_type="order.placed")) == [("customer", "mai@example.com")]


def test_staff_are_told_of_their_stages(settings: Settings) -> None:
    settings.STAFF_EMAIL = ["lan@example.com", "hoa@example.com"]
    switch("order.confirmed", "staff", enabled=True)
    assert told(record())[1:] == [("staff", "lan@example.com"), ("staff", "hoa@example.com")]


@pytest.mark.parametrize("change", [{"subject": "G-2"}, {"personal": {"a": 1}}, {"body": {}}])
def test_event_is_never_changed(change: dict[str, Any]) -> None:
    event = record()
    with pytest.raises(InternalError, match="never changed"):
        Event.objects.filter(pk=event.pk).update(**change)


def test_event_is_never_deleted() -> None:
    record()
    with pytest.raises(InternalError, match="Cannot delete"):
        Event.objects.all()._raw_delete("default")


def test_personal_part_of_an_event_can_be_emptied() -> None:
    event = record()
    assert Event.objects.filter(pk=event.pk).update(personal={}) == 1


def test_untold_types_have_no_stage() -> None:
    assert not UNTOLD_TYPES & {stage.type for stage in STAGES}
    assert UNTOLD_TYPES < EVENT_TYPES
