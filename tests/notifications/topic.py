"""Look at a topic, and write to it, as any program may."""

import time
import uuid

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from django.conf import settings

from notifications.events import Headers

PARTITION_BY_KEY = -1
_LARGE = 8_000_000


def read_topic(topic: str) -> list[Message]:
    """Return every message of a topic, partition by partition."""
    reader = Consumer(
        {
            "bootstrap.servers": settings.KAFKA_BOOTSTRAP_SERVERS,
            "group.id": f"look-{uuid.uuid4().hex}",
            "enable.partition.eof": False,
        }
    )
    try:
        partitions = reader.list_topics(topic, timeout=10).topics[topic].partitions
        found: list[Message] = []
        for partition in partitions:
            found += _read_partition(reader, topic, partition)
    finally:
        reader.close()
    return found


def _read_partition(reader: Consumer, topic: str, partition: int) -> list[Message]:
    low, high = _bounds(reader, TopicPartition(topic, partition))
    reader.assign([TopicPartition(topic, partition, low)])
    found: list[Message] = []
    deadline = time.monotonic() + 20
    while len(found) < high - low and time.monotonic() < deadline:
        message = reader.poll(1)
        if message is not None and message.error() is None:  # one without a value is false
            found.append(message)
    return found


def _bounds(reader: Consumer, partition: TopicPartition) -> tuple[int, int]:
    """Return where a partition begins and ends; a new one has no leader at first."""
    deadline = time.monotonic() + 20
    while True:
        try:
            low, high = reader.get_watermark_offsets(partition, timeout=10)
        except KafkaException as error:
            is_new = error.args[0].code() == KafkaError.NOT_LEADER_FOR_PARTITION
            if not is_new or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return low, high


def allow_large_messages(topic: str) -> None:
    """Let a topic take messages of up to 8 MB."""
    allow_messages_of(topic, _LARGE)


def allow_messages_of(topic: str, most_bytes: int) -> None:
    """Let a topic take messages of so many bytes at most."""
    entry = ConfigEntry(
        "max.message.bytes",
        str(most_bytes),
        incremental_operation=AlterConfigOpType.SET,
    )
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": settings.KAFKA_BOOTSTRAP_SERVERS})
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(20)


def write_topic(
    topic: str,
    *,
    key: bytes | None,
    value: bytes | None,
    headers: Headers,
    partition: int = PARTITION_BY_KEY,
) -> None:
    """Write a message; a broker may hear a little late how large it is allowed to be."""
    producer = Producer(
        {"bootstrap.servers": settings.KAFKA_BOOTSTRAP_SERVERS, "message.max.bytes": _LARGE}
    )
    answers: list[KafkaError | None] = []
    deadline = time.monotonic() + 20
    while not answers or (_is_too_large(answers[-1]) and time.monotonic() < deadline):
        producer.produce(
            topic,
            key=key,
            value=value,
            headers=list(headers),
            partition=partition,
            on_delivery=lambda error, _: answers.append(error),
        )
        assert producer.flush(10) == 0
    assert answers[-1] is None


def _is_too_large(error: KafkaError | None) -> bool:
    return error is not None and error.code() == KafkaError.MSG_SIZE_TOO_LARGE


def headers_of(message: Message) -> dict[str, str]:
    """Return a message's headers as text."""
    return {
        name: value.decode() if isinstance(value, bytes) else str(value)
        for name, value in dict(message.headers() or []).items()
    }
