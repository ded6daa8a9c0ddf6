"""What a member of the group reads while its partitions go and come back."""

import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import confluent_kafka
import pytest
from pytest_django import Settings

from notifications import kafka
from tests.notifications.topic import write_topic

pytestmark = pytest.mark.usefixtures("real_kafka")

_PATIENCE = 40


@pytest.fixture
def reader(kafka_topic: str, settings: Settings) -> Generator[kafka.Consumer]:
    """Yield the only member of the group: it has every partition."""
    reader = kafka.Consumer(topic=kafka_topic, group=settings.KAFKA_EMAIL_GROUP, instance="first")
    while not reader.has_partitions:
        reader.fetch(1, seconds=0.1)
    yield reader
    reader.close()


@contextmanager
def visitor(topic: str, settings: Settings) -> Generator[confluent_kafka.Consumer]:
    """Let another member come, and go at the end of the block."""
    visitor = confluent_kafka.Consumer(
        {
            "bootstrap.servers": settings.KAFKA_BOOTSTRAP_SERVERS,
            "group.id": settings.KAFKA_EMAIL_GROUP,
            "partition.assignment.strategy": "cooperative-sticky",
        }
    )
    visitor.subscribe([topic])
    yield visitor
    visitor.close()


def given_to(
    visitor: confluent_kafka.Consumer, meanwhile: Callable[[], object] = lambda: None
) -> list[int]:
    """Wait until some partitions have gone to the visitor; return which."""
    deadline = time.monotonic() + _PATIENCE
    while not (given := visitor.assignment()):
        assert time.monotonic() < deadline
        meanwhile()
        visitor.poll(0.1)
    return sorted(entry.partition for entry in given)


def write_to_each(topic: str, partitions: list[int]) -> None:
    for partition in partitions:
        write_topic(topic, key=b"G-1", value=b"{}", headers=[], partition=partition)


def places_read(reader: kafka.Consumer, found: list[kafka.Incoming], count: int) -> list[int]:
    """Read on from what was found until there are so many, or time is up."""
    deadline = time.monotonic() + _PATIENCE
    while len(found) < count and time.monotonic() < deadline:
        found += reader.fetch(100, seconds=1)
    return sorted(message.partition for message in found)


def test_what_comes_on_partitions_that_went_and_came_back_in_one_fetch_is_read(
    reader: kafka.Consumer, kafka_topic: str, settings: Settings
) -> None:
    with ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(reader.fetch, 100, seconds=_PATIENCE)
        with visitor(kafka_topic, settings) as another:
            went = given_to(another)
        write_to_each(kafka_topic, went)
    assert places_read(reader, fetching.result(), len(went)) == went


def test_partitions_that_went_while_reading_was_on_hold_are_read_once_they_are_back(
    reader: kafka.Consumer, kafka_topic: str, settings: Settings
) -> None:
    reader.hold()
    with visitor(kafka_topic, settings) as another:
        went = given_to(another, meanwhile=lambda: reader.fetch(1, seconds=0.1))
        reader.go_on()
    write_to_each(kafka_topic, went)
    assert places_read(reader, [], len(went)) == went
