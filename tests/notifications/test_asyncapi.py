"""The AsyncAPI document says what is really on the topic."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml
from django.conf import settings
from jsonschema import Draft202012Validator

from devtools.environment import PROJECT
from notifications.stages import EVENT_TYPES
from tests.notifications.conftest import publish
from tests.notifications.samples import record_sample, samples
from tests.notifications.schemas import read_schemas
from tests.notifications.topic import headers_of, read_topic

DOCUMENT = PROJECT / "docs" / "asyncapi.yaml"
# The fields that AsyncAPI 3.0.0 knows, of the objects that this document has.
FIELDS = {
    "document": {"asyncapi", "info", "defaultContentType", "channels", "operations", "components"},
    "channel": {"address", "title", "description", "messages", "bindings"},
    "operation": {"action", "channel", "summary", "bindings"},
    "message": {
        "name",
        "title",
        "summary",
        "traits",
        "headers",
        "payload",
        "bindings",
        "contentType",
    },
}


@cache
def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text())
    return found


def resolve(reference: str) -> Any:
    """Return what a reference points at, in the document or in a file beside it."""
    file, _, pointer = reference.partition("#")
    found: Any = yaml.safe_load((DOCUMENT.parent / file).read_text()) if file else document()
    for key in filter(None, pointer.split("/")):
        found = found[key]
    return found


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for each in part.values():
            yield from references(each)
    elif isinstance(part, list):
        for each in part:
            yield from references(each)


def messages() -> dict[str, Any]:
    """Return the messages of the events by their names."""
    channel = document()["channels"]["emailNotification"]
    found = [resolve(message["$ref"]) for message in channel["messages"].values()]
    return {message["name"]: message for message in found}


def test_document_is_asyncapi_3() -> None:
    assert document()["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= document()["info"].keys()
    assert document().keys() == FIELDS["document"]


@pytest.mark.parametrize(
    ("kind", "needed"), [("channel", {"address", "messages"}), ("operation", {"action", "channel"})]
)
def test_channels_and_operations_are_whole(kind: str, needed: set[str]) -> None:
    for part in document()[f"{kind}s"].values():
        assert needed <= part.keys() <= FIELDS[kind]
        assert part.get("action", "send") in {"send", "receive"}


def test_messages_and_traits_are_whole() -> None:
    for message in document()["components"]["messages"].values():
        assert {"name", "summary", "payload"} <= message.keys() <= FIELDS["message"]
    for trait in document()["components"]["messageTraits"].values():
        assert trait.keys() <= FIELDS["message"] - {"payload", "traits"}


def test_every_reference_leads_somewhere() -> None:
    assert len(list(references(document()))) > 50
    for reference in references(document()):
        assert resolve(reference)


def test_every_event_type_is_a_message_with_its_schema() -> None:
    assert messages().keys() == EVENT_TYPES
    for name, message in messages().items():
        assert resolve(message["payload"]["$ref"]) == read_schemas()[name]
        assert message["summary"].rstrip(".")


def test_channels_are_the_topics() -> None:
    addresses = [channel["address"] for channel in document()["channels"].values()]
    assert addresses == ["email-notification", "email-notification.dlt"]
    assert settings.KAFKA_EMAIL_TOPIC == "email-notification"


@pytest.mark.django_db(transaction=True)
def test_published_headers_and_keys_are_those_described(kafka_topic: str) -> None:
    described = Draft202012Validator(
        {**document()["components"]["schemas"]["headers"], "additionalProperties": False},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
    for sample in samples():
        record_sample(sample)
    publish()
    for message in read_topic(kafka_topic):
        headers = headers_of(message)
        described.validate(headers)
        assert (message.key() or b"").decode() == headers["ce_subject"]
