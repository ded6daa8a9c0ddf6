"""The envelope: an event as a CloudEvents message in Kafka's binary mode, and back."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.exceptions import BaseCloudEventException
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from django.conf import settings

from notifications.stages import EVENT_TYPES, Role

SCHEMA_VERSION = 1
_FORMAT = JSONFormat()
_NEEDED = ("ce_id", "ce_time")
_LONGEST_ERROR = 1000
_LONGEST_SUBJECT = 64

Headers = list[tuple[str, bytes]]


class Unreadable(Exception):
    """A message that is no event of ours. `reason` is the dead letter's."""

    def __init__(self, reason: str, error: str) -> None:
        super().__init__(error)
        self.reason = reason
        self.error = error[:_LONGEST_ERROR]


@dataclass(frozen=True, slots=True)
class Addressee:
    """One entry of an event's `deliver_to`."""

    role: Role
    email: str
    name: str
    locale: str


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event as the consumer reads it."""

    id: UUID
    type: str
    subject: str
    recorded_at: datetime
    deliver_to: tuple[Addressee, ...]
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message ready for Kafka."""

    key: bytes
    value: bytes
    headers: Headers


def seal(
    *, event_id: str, event_type: str, subject: str, at: str, traceparent: str, value: bytes
) -> Envelope:
    """Put an event's JSON into its envelope.

    The headers are those of CloudEvents' SDK, which would check at every event what is so by its
    making, and write `traceparent` as `ce_traceparent`; W3C's own name is what tracing reads.
    `at` is as `write_time` writes it.
    """
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_type", event_type.encode()),
        ("ce_source", settings.SHOP_URL.encode()),
        ("ce_time", at.encode()),
        ("ce_subject", subject.encode()),
        ("content-type", b"application/json"),
        ("traceparent", traceparent.encode()),
    ]
    return Envelope(key=subject.encode(), value=value, headers=headers)


def write_time(at: datetime) -> str:
    """Write a time as RFC 3339 and CloudEvents do."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def unseal(*, key: bytes | None, value: bytes | None, headers: Headers) -> ReceivedEvent:
    """Read a message; `Unreadable` says why it is no event of ours."""
    event = _cloud_event(value, headers)
    if event.get_type() not in EVENT_TYPES:
        raise Unreadable("unknown_type", f"No stage is called {event.get_type()[:100]!r}.")
    subject = _subject(event.get_subject() or "", key)
    data = _data(event.get_data())
    return ReceivedEvent(
        id=_event_id(event.get_id()),
        type=event.get_type(),
        subject=subject,
        recorded_at=_time("ce_time", event.get_time()),
        deliver_to=_addressees(data.get("deliver_to")),
        data=data,
    )


def _cloud_event(value: bytes | None, headers: Headers) -> BaseCloudEvent:
    known = {"ce_specversion": b"", **dict(headers)}
    for name in _NEEDED:  # the SDK would make them up, anew at each reading
        if not known.get(name):
            raise Unreadable("undecodable", f"The header {name} is missing.")
    try:
        return from_binary(KafkaMessage(known, None, value or b""), _FORMAT, CloudEvent)
    except (BaseCloudEventException, ValueError, RecursionError) as error:
        raise Unreadable("undecodable", f"The headers are no CloudEvent's: {error}") from error


def _subject(subject: str, key: bytes | None) -> str:
    if (key or b"") != subject.encode():
        found = f"{(key or b'')[:100]!r} is not the event's subject {subject[:100]!r}"
        raise Unreadable("schema", f"The key {found}.")
    if len(subject) > _LONGEST_SUBJECT or not _is_storable(subject):
        raise Unreadable("schema", f"The subject {subject[:100]!r} is none of ours.")
    return subject


def _time(name: str, found: datetime | None) -> datetime:
    """Return it in UTC; PostgreSQL and Python must both know the year."""
    if found is None or found.tzinfo is None:
        raise Unreadable("schema", f"{name} is no time with its zone.")
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        raise Unreadable("schema", f"{name} is beyond all time.") from error


def _require_time(name: str, found: Any) -> None:
    try:
        _time(name, datetime.fromisoformat(found))
    except (TypeError, ValueError) as error:
        raise Unreadable("schema", f"{name} is no time: {str(found)[:100]!r}.") from error


def _is_storable(text: str) -> bool:
    """Say whether PostgreSQL keeps it: neither NUL nor half of a surrogate pair is a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def _data(found: Any) -> dict[str, Any]:
    """Return the value as an object; the SDK hands back text or bytes where it is no JSON."""
    if isinstance(found, str | bytes) or found is None:
        raise Unreadable("undecodable", "The value is no JSON.")
    if not isinstance(found, dict):
        raise Unreadable("schema", "The value is no JSON object.")
    version = found.get("schema_version")
    if version != SCHEMA_VERSION:
        raise Unreadable("schema", f"Schema version {version!r} is not {SCHEMA_VERSION}.")
    if found.get("valid_until") is not None:
        _require_time("valid_until", found["valid_until"])
    return found


def _event_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Unreadable("schema", f"The id {text[:100]!r} is no UUID.") from error


def _addressees(found: Any) -> tuple[Addressee, ...]:
    if not isinstance(found, list):
        raise Unreadable("schema", "deliver_to is no list.")
    return tuple(_addressee(entry) for entry in found)


def _addressee(entry: Any) -> Addressee:
    try:
        role = Role(entry["role"])
        email, name, locale = (str(entry[key]) for key in ("email", "name", "locale"))
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable("schema", f"An entry of deliver_to is malformed: {error!r}.") from error
    if not 3 <= len(email) <= 320 or not _is_storable(email + name + locale):
        raise Unreadable("schema", "An address of deliver_to is malformed.")
    return Addressee(role=role, email=email, name=name, locale=locale[:16])


def headers_to_json(headers: Headers) -> list[list[str]]:
    """Write headers so that a table can keep them, whatever bytes they hold."""
    return [[name, base64.b64encode(content).decode()] for name, content in headers]


def headers_from_json(stored: list[list[str]]) -> Headers:
    return [(name, base64.b64decode(content)) for name, content in stored]
