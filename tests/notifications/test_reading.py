"""What a member of the group reads while its partitions go and come back."""

import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import confluent_kafka
import pytest
from confluent_kafka import TopicPartition
from pytest_django import Settings

from notifications import kafka
from tests.notifications.topic import write_topic

pytestmark = pytest.mark.usefixtures("real_kafka")

_PATIENCE = 40


@pytest.fixture
def reader(kafka_topic: str, settings: Settings) -> Generator[kafka.Consumer]:
    reader = kafka.Consumer(topic=kafka_topic, group=settings.KAFKA_EMAIL_GROUP, instance="first")
    yield reader
    reader.close()


def come_and_go(topic: str, settings: Settings) -> list[int]:
    """Be a member of the group until some partitions are given to it; return which they were."""
    visitor = confluent_kafka.Consumer(
        {
            "bootstrap.servers": settings.KAFKA_BOOTSTRAP_SERVERS,
            "group.id": settings.KAFKA_EMAIL_GROUP,
            "partition.assignment.strategy": "cooperative-sticky",
        }
    )
    visitor.subscribe([topic])
    given: list[TopicPartition] = []
    deadline = time.monotonic() + _PATIENCE
    while not given:
        assert time.monotonic() < deadline
        visitor.poll(0.1)
        given = visitor.assignment()
    visitor.close()
    return [entry.partition for entry in given]


def test_what_comes_on_partitions_that_went_and_came_back_in_one_fetch_is_read(
    reader: kafka.Consumer, kafka_topic: str, settings: Settings
) -> None:
    while not reader.has_partitions:
        reader.fetch(1, seconds=0.1)
    with ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(reader.fetch, 100, seconds=_PATIENCE)
        went = come_and_go(kafka_topic, settings)
        for partition in went:
            write_topic(kafka_topic, key=b"G-1", value=b"{}", headers=[], partition=partition)
        messages = fetching.result()
    deadline = time.monotonic() + _PATIENCE
    while len(messages) < len(went) and time.monotonic() < deadline:
        messages += reader.fetch(100, seconds=1)
    assert sorted(message.partition for message in messages) == sorted(went)
