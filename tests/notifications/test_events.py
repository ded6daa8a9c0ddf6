"""What stands on the topic: CloudEvents in binary mode, valid by their schemas."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from cloudevents.core.bindings.kafka import to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from django.conf import settings

from notifications.events import (
    Unreadable,
    headers_from_json,
    headers_to_json,
    seal,
    unseal,
    write_time,
)
from notifications.stages import EVENT_TYPES, UNTOLD_TYPES
from tests.notifications.conftest import publish
from tests.notifications.examples import record
from tests.notifications.samples import record_sample, samples
from tests.notifications.schemas import validator
from tests.notifications.topic import headers_of, read_topic


@pytest.mark.django_db(transaction=True)
def test_published_event_is_a_cloud_event_in_binary_mode(kafka_topic: str) -> None:
    event = record("G-1")
    publish()
    (message,) = read_topic(kafka_topic)
    headers = headers_of(message)
    assert headers == {
        "ce_specversion": "1.0",
        "ce_id": str(event.pk),
        "ce_type": "order.confirmed",
        "ce_source": settings.SHOP_URL,
        "ce_time": write_time(event.recorded_at),
        "ce_subject": "G-1",
        "content-type": "application/json",
        "traceparent": event.traceparent,
    }
    assert message.key() == b"G-1"


def test_headers_are_those_of_cloud_events_own_sdk() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    facts = {"id": str(uuid4()), "type": "order.confirmed", "subject": 'G-1 "ệ" 5 %'}
    sealed = seal(
        event_id=facts["id"],
        event_type=facts["type"],
        subject=facts["subject"],
        at=write_time(at),
        traceparent="00-1-2-01",
        value=b"{}",
    )
    known = {"specversion": "1.0", "source": settings.SHOP_URL, "time": at}
    event = CloudEvent({**facts, **known, "datacontenttype": "application/json"}, b"{}")
    message = to_binary(event, JSONFormat(), key_mapper=lambda _: facts["subject"])
    assert dict(sealed.headers) == {**message.headers, "traceparent": b"00-1-2-01"}
    assert (sealed.key.decode(), sealed.value) == (facts["subject"], message.value)


@pytest.mark.django_db(transaction=True)
def test_published_events_of_every_type_are_valid_by_their_schemas(kafka_topic: str) -> None:
    for sample in samples():
        record_sample(sample)
    for event_type in UNTOLD_TYPES:
        record("G-1", event_type=event_type)
    publish()
    messages = read_topic(kafka_topic)
    assert {headers_of(message)["ce_type"] for message in messages} == EVENT_TYPES
    for message in messages:
        value = json.loads(message.value() or b"")
        validator(headers_of(message)["ce_type"]).validate(value)


GOOD = [
    ("ce_specversion", b"1.0"),
    ("ce_id", b"7f1d3a52-9b1e-4a34-8f0e-0d7a3d1b2c4e"),
    ("ce_type", b"order.confirmed"),
    ("ce_source", b"http://127.0.0.1:8000"),
    ("ce_time", b"2026-01-02T03:04:05Z"),
    ("ce_subject", b"G-1"),
    ("content-type", b"application/json"),
]
VALUE = {"schema_version": 1, "deliver_to": []}


def test_well_made_message_is_read() -> None:
    event = unseal(key=b"G-1", value=json.dumps(VALUE).encode(), headers=GOOD)
    assert (event.type, event.subject) == ("order.confirmed", "G-1")


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("undecodable", {"value": b"\x80\x81"}),
        ("undecodable", {"value": None}),
        ("undecodable", {"headers": []}),
        ("undecodable", {"headers": [*GOOD, ("ce_time", b"yesterday")]}),
        ("undecodable", {"headers": [*GOOD, ("ce_type", b"\xff")]}),
        ("unknown_type", {"headers": [*GOOD, ("ce_type", b"order.lost")]}),
        ("schema", {"headers": [*GOOD, ("ce_id", b"1")]}),
        ("schema", {"key": b"G-2"}),
        ("schema", {"value": b"[]"}),
        ("schema", {"value": b'{"schema_version": 2}'}),
        ("schema", {"value": b'{"schema_version": 1}'}),
        ("schema", {"value": b'{"schema_version": 1, "deliver_to": [{"role": "cat"}]}'}),
    ],
)
def test_message_that_is_no_event_is_told_apart(reason: str, change: dict[str, Any]) -> None:
    message = {"key": b"G-1", "value": json.dumps(VALUE).encode(), "headers": GOOD, **change}
    with pytest.raises(Unreadable) as caught:
        unseal(**message)
    assert caught.value.reason == reason


def test_headers_of_any_bytes_can_be_kept() -> None:
    headers = [("ce_id", b"\x00\xff"), ("ce_id", b"")]
    assert headers_from_json(headers_to_json(headers)) == headers
