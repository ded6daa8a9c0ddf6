"""Whatever stands in a message, it is told apart or becomes an email that can be entered."""

import json
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifications.addressing import emails_wanted
from notifications.emails import Unwritable, write_email
from notifications.events import Headers, Unreadable, unseal
from notifications.kafka import Incoming
from notifications.ledger import enter_unowned
from notifications.models import DeadLetter
from notifications.stages import EVENT_TYPES
from tests.notifications.samples import Sample, samples

# Surrogates and NUL too: JSON can carry them, PostgreSQL and mail cannot.
_text = st.text(st.characters(), max_size=30) | st.sampled_from(
    ["\ud800", "\0", "2026-13-45T00:00:00Z", "2026-01-01T00:00:00", '"\x01"@example.com', "a@b"]
)
_times = st.sampled_from(["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2026-01-01"])
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _text | _times,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=6,
)


def paths(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return where something stands in a JSON value, the value itself included."""
    found = [place]
    children = value.items() if isinstance(value, dict) else []
    for key, child in enumerate(value) if isinstance(value, list) else children:
        found += paths(child, (*place, key))
    return found


def with_change(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    """Return a copy of the value with something else at that place."""
    if not place:
        return new
    copied = list(value) if isinstance(value, list) else dict(value)
    copied[place[0]] = with_change(copied[place[0]], place[1:], new)
    return copied


def told(sample: Sample) -> dict[str, Any]:
    """Return the value of an event that tells one person."""
    person = {"role": sample.role.value, "email": "mai@example.com", "name": "Mai", "locale": "en"}
    return {"schema_version": 1, "valid_until": None, "deliver_to": [person], **sample.data}


@st.composite
def messages(draw: st.DrawFn) -> Incoming:
    """Draw an event of ours with something wrong in its value, its headers or its key."""
    sample = draw(st.sampled_from(samples()))
    value: Any = told(sample)
    if draw(st.booleans()):
        value = with_change(value, draw(st.sampled_from(paths(value))), draw(_json))
    headers = {
        "ce_specversion": b"1.0",
        "ce_id": str(uuid4()).encode(),
        "ce_type": draw(st.sampled_from([sample.type, *sorted(EVENT_TYPES)])).encode(),
        "ce_source": b"http://127.0.0.1:8000",
        "ce_time": b"2026-01-02T03:04:05Z",
        "ce_subject": sample.subject.encode(),
        "content-type": b"application/json",
    }
    key = sample.subject.encode()
    if draw(st.booleans()):
        new = draw(st.binary(max_size=30) | _times.map(str.encode) | st.just(b"\0"))
        headers[draw(st.sampled_from(sorted(headers)))] = new
        key = draw(st.sampled_from([key, new]))
    named: Headers = list(headers.items())
    return Incoming("topic", 0, 0, key, json.dumps(value).encode(), named)


@pytest.mark.django_db
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(messages())
def test_any_message_is_unreadable_or_entered_and_written_or_unwritable(message: Incoming) -> None:
    try:
        event = unseal(key=message.key, value=message.value, headers=message.headers)
    except Unreadable:
        return
    wanted = emails_wanted(message, event)
    enter_unowned(wanted)
    for one in wanted:
        try:
            write_email(
                event_id=one.event_id,
                event_type=one.event_type,
                role=one.role,
                address=one.email,
                name=one.name,
                locale=one.locale,
                message_id=one.message_id,
                data=json.loads(one.value),
            )
        except Unwritable as error:
            DeadLetter.objects.create(error=error.error, headers=[], fingerprint=one.message_id)
