"""Everything that speaks to Kafka; the only module that imports confluent_kafka."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import confluent_kafka
from confluent_kafka import (
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._metadata import ClusterMetadata
from confluent_kafka.cimpl import NewTopic
from django.conf import settings

from notifications.events import Headers

logger = logging.getLogger(__name__)

PARTITIONS = 12
_DAY_MS = 86_400_000
RETENTION_MS = 14 * _DAY_MS
DEAD_LETTER_RETENTION_MS = 90 * _DAY_MS
DELIVERY_TIMEOUT_SECONDS = 15
_REBALANCE_SECONDS = 30  # so long a group may say nothing while a member that went is missed

# Kafka will give the same answer for ever: the message itself is at fault.
_REFUSALS = {
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.INVALID_RECORD,
    KafkaError.INVALID_MSG,
    KafkaError.RECORD_LIST_TOO_LARGE,
}
_NO_TOPIC = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC}
_LEADER_MOVES = {
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
}
Position = tuple[int, int]
Answer = TypeVar("Answer")


class KafkaAway(Exception):
    """Kafka cannot be reached, or does not answer in time."""


class FatalKafkaError(Exception):
    """A client that can do no more: its process must end and be started again."""


class Refused(Exception):
    """Kafka will never take a message of the batch."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way to Kafka."""

    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message read from Kafka."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Producer:
    """Publishes a batch and waits until the brokers have it."""

    def __init__(self) -> None:
        self._fatal: KafkaError | None = None
        self._producer = confluent_kafka.Producer(
            {
                **_connection(),
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": 2,
                "compression.type": "lz4",
                "partitioner": "murmur2_random",
                "delivery.timeout.ms": DELIVERY_TIMEOUT_SECONDS * 1000,
                "error_cb": self._on_error,
            }
        )

    def publish(self, topic: str, messages: Iterable[Outgoing]) -> list[Position]:
        """Return each message's partition and offset once the brokers have them all.

        When some were not taken: `Refused` if Kafka will never take one of them, `KafkaAway`
        otherwise. Those taken stay on the topic, so that publishing the batch again repeats them.
        The first are on their way while the next are made; what that raises ends the batch.
        """
        positions: list[Position | None] = []
        errors: list[KafkaError] = []

        def keep(index: int, error: KafkaError | None, message: confluent_kafka.Message) -> None:
            if error:
                errors.append(error)
            else:
                positions[index] = (_number(message.partition()), _number(message.offset()))

        try:
            for index, message in enumerate(messages):
                positions.append(None)
                self._produce(topic, message, partial(keep, index))
            self._producer.flush(DELIVERY_TIMEOUT_SECONDS + 1)
        except KafkaException as error:
            errors.append(error.args[0])
        except Exception:
            self._drop()
            raise
        taken = [position for position in positions if position is not None]
        if errors or len(taken) < len(positions):
            self._give_up(errors)
        return taken

    def _produce(
        self,
        topic: str,
        message: Outgoing,
        on_delivery: Callable[[KafkaError | None, confluent_kafka.Message], None],
    ) -> None:
        self._producer.produce(
            topic,
            key=message.key,
            value=message.value,
            headers=list(message.headers),
            on_delivery=on_delivery,
        )
        self._producer.poll(0)

    def _drop(self) -> None:
        """Send nothing of what still waits here: whoever publishes it again begins anew."""
        self._producer.purge()
        self._producer.flush(1)

    def _give_up(self, errors: list[KafkaError]) -> None:
        self._drop()
        if self._fatal or any(_is_fatal(error) for error in errors):
            raise FatalKafkaError(f"The producer failed for good: {self._fatal or errors[0]}")
        refusals = [error for error in errors if error.code() in _REFUSALS]
        if refusals:
            raise Refused(refusals[0].str())
        if any(error.code() in _NO_TOPIC for error in errors):
            raise KafkaAway("the topic does not exist")
        raise KafkaAway(errors[0].str() if errors else "no answer in time")

    def _on_error(self, error: KafkaError) -> None:
        if _is_fatal(error):
            self._fatal = error


class Consumer:
    """Reads a topic as a member of a group; commits only what it is told to.

    `instance` makes the membership static: a restart within the session's time moves no partition.
    """

    def __init__(self, *, topic: str, group: str, instance: str) -> None:
        self._topic = topic
        self._fatal: KafkaError | None = None
        self._consumer = confluent_kafka.Consumer(
            {
                **_connection(),
                "group.id": group,
                "group.instance.id": instance,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "earliest",
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": 10_000,
                "max.poll.interval.ms": 120_000,
                "fetch.wait.max.ms": 50,
                # A few seconds of work wait in memory; by itself librdkafka would keep 64 MB.
                "queued.min.messages": 1_000,
                "queued.max.messages.kbytes": 4_096,
                # Of one partition at once, compressed; a larger message comes all the same.
                "fetch.message.max.bytes": 65_536,
                "topic.metadata.refresh.interval.ms": 5_000,
                "error_cb": self._on_error,
            }
        )
        self._consumer.subscribe([topic], on_revoke=_unpause, on_lost=_unpause)

    def fetch(self, limit: int, *, seconds: float) -> list[Incoming]:
        """Wait for a first message, then take what has already arrived, `limit` in all.

        `consume(limit, seconds)` would wait its time out with a batch that is not full.
        A partition may go to another member meanwhile, and come back: nothing is dropped for that.
        Who reads a message once more finds it in the ledger; who dropped one would never see it
        again, for reading goes on behind it.
        """
        first = self._consumer.poll(seconds)
        messages = [] if first is None else [first]  # one without a value counts as false
        if messages and limit > 1:
            messages += self._consumer.consume(limit - 1, 0)
        if self._fatal:
            raise FatalKafkaError(f"The consumer failed for good: {self._fatal}")
        return [_incoming(message) for message in messages if not self._failed(message)]

    @property
    def has_partitions(self) -> bool:
        """Say whether it has something to read: there may be more members than partitions."""
        return bool(self._consumer.assignment())

    def hold(self) -> None:
        """Stay in the group and fetch nothing: the next `fetch` only keeps the membership."""
        self._consumer.pause(self._consumer.assignment())

    def go_on(self) -> None:
        """Undo `hold`."""
        self._consumer.resume(self._consumer.assignment())

    def commit(self, messages: Iterable[Incoming]) -> None:
        """Commit the batch's offsets where its partitions are still ours.

        A failure is logged: the ledger is the truth.
        """
        mine = {entry.partition for entry in self._consumer.assignment()}
        ends = {message.partition: message.offset + 1 for message in messages}
        offsets = [
            TopicPartition(self._topic, partition, offset)
            for partition, offset in ends.items()
            if partition in mine
        ]
        if not offsets:
            return
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            if _is_fatal(error.args[0]):
                raise FatalKafkaError(f"The consumer failed for good: {error}") from error
            logger.warning("Offsets were not committed, the ledger has them: %s", error)

    def has_reached(self, ends: dict[int, int]) -> bool:
        """Say whether the group, this member or another, has committed up to `ends`."""
        wanted = [TopicPartition(self._topic, partition) for partition in ends]
        try:
            committed = _committed(self._consumer, wanted, _REBALANCE_SECONDS)
        except KafkaException as error:
            raise KafkaAway(error.args[0].str()) from error
        return all(entry.offset >= ends[entry.partition] for entry in committed)

    def unread_ends(self) -> dict[int, int]:
        """Return the end of each partition that holds messages now."""
        try:
            found = self._consumer.list_topics(self._topic, timeout=5).topics[self._topic]
            marks = {
                partition: self._consumer.get_watermark_offsets(
                    TopicPartition(self._topic, partition), timeout=5
                )
                for partition in found.partitions
            }
        except KafkaException as error:
            raise KafkaAway(error.args[0].str()) from error
        return {partition: high for partition, (low, high) in marks.items() if high > low}

    def close(self) -> None:
        """Stop reading; a static member keeps its place for its session's time."""
        self._consumer.close()

    def _failed(self, message: confluent_kafka.Message) -> bool:
        error = message.error()
        if error is None:
            return False
        if _is_fatal(error):
            raise FatalKafkaError(f"The consumer failed for good: {error}")
        logger.warning("Kafka: %s", error)
        return True

    def _on_error(self, error: KafkaError) -> None:
        if _is_fatal(error):
            self._fatal = error


def _unpause(consumer: confluent_kafka.Consumer, partitions: list[TopicPartition]) -> None:
    """Forget with a partition that it was on hold: librdkafka keeps it so when it comes back."""
    consumer.resume(partitions)


def _is_fatal(error: KafkaError) -> bool:
    """Say whether the client can do no more; later answers about it say so by their code alone.

    A static member that a restarted broker no longer knows is fenced by its own second joining.
    """
    return error.fatal() or error.code() == KafkaError._FATAL


def _incoming(message: confluent_kafka.Message) -> Incoming:
    return Incoming(
        topic=message.topic() or "",
        partition=_number(message.partition()),
        offset=_number(message.offset()),
        key=_content(message.key()),
        value=_content(message.value()),
        headers=_headers(message),
    )


def _headers(message: confluent_kafka.Message) -> Headers:
    found = message.headers() or []
    pairs = found.items() if isinstance(found, dict) else found
    return [(name, _content(value) or b"") for name, value in pairs]


def _number(found: int | None) -> int:
    """Return a delivered message's partition or offset: it always has one."""
    if found is None:
        raise TypeError("Kafka gave a message without a position.")
    return found


def _content(found: str | bytes | None) -> bytes | None:
    return found.encode() if isinstance(found, str) else found


def ensure_topics() -> None:
    """Create the email topic and its dead letters' where they are missing.

    Without a controller there is nobody to ask: the in-memory broker never has one and makes
    topics on first use; a real cluster will have one again, and this is called again. Another
    cluster than `KAFKA_CLUSTER_ID` is a `FatalKafkaError`.
    """
    admin = _admin()
    metadata = _metadata(admin)
    _require_own_cluster(metadata.cluster_id)
    if metadata.controller_id not in metadata.brokers:
        return
    _count_partitions(metadata)
    brokers = len(metadata.brokers)
    retention = {
        settings.KAFKA_EMAIL_TOPIC: RETENTION_MS,
        settings.KAFKA_DEAD_LETTER_TOPIC: DEAD_LETTER_RETENTION_MS,
    }
    missing = [
        _new_topic(topic, kept, brokers)
        for topic, kept in retention.items()
        if topic not in metadata.topics
    ]
    if not missing:
        return
    for topic, future in admin.create_topics(missing, request_timeout=10).items():
        try:
            future.result()
        except KafkaException as error:
            _judge_creation(topic, error.args[0])
        else:
            logger.info("Created the topic %s.", topic)


def _require_own_cluster(found: str | None) -> None:
    """Refuse a cluster that is not the one meant: who reads the other would never be told."""
    meant = settings.KAFKA_CLUSTER_ID
    if meant and found != meant:
        raise FatalKafkaError(
            f"{settings.KAFKA_BOOTSTRAP_SERVERS} is the Kafka cluster {found},"
            f" and KAFKA_CLUSTER_ID says {meant}."
        )


def _count_partitions(metadata: ClusterMetadata) -> None:
    """Say when consumers will be fewer than meant; more partitions would part orders' emails."""
    topic = metadata.topics.get(settings.KAFKA_EMAIL_TOPIC)
    if topic and 0 < len(topic.partitions) < PARTITIONS:
        logger.warning(
            "The topic %s has %s partitions, not %s: no more consumers than that have work.",
            topic.topic,
            len(topic.partitions),
            PARTITIONS,
        )


def _new_topic(topic: str, retention_ms: int, brokers: int) -> NewTopic:
    copies = min(3, brokers)
    config = {
        "retention.ms": str(retention_ms),
        "min.insync.replicas": "2" if copies == 3 else "1",
    }
    return NewTopic(topic, num_partitions=PARTITIONS, replication_factor=copies, config=config)


def _judge_creation(topic: str, error: KafkaError) -> None:
    if error.code() == KafkaError.TOPIC_ALREADY_EXISTS:
        return
    raise KafkaAway(f"the topic {topic} could not be created: {error.str()}")


def is_reachable(seconds: float = 2) -> bool:
    """Say whether a broker answers now."""
    try:
        return bool(_admin().list_topics(timeout=seconds).brokers)
    except KafkaException:
        return False


def lag(seconds: float = 2) -> dict[int, int]:
    """Return, for each partition of the email topic, how many messages the group has not read."""
    topic, group = settings.KAFKA_EMAIL_TOPIC, settings.KAFKA_EMAIL_GROUP
    client = confluent_kafka.Consumer({**_connection(), "group.id": group})
    try:
        found = client.list_topics(topic, timeout=seconds).topics[topic].partitions
        entries = [TopicPartition(topic, partition) for partition in found]
        return {
            entry.partition: _behind(client, entry, seconds)
            for entry in _committed(client, entries, seconds)
        }
    except KafkaException as error:
        raise KafkaAway(error.args[0].str()) from error
    finally:
        client.close()


def _committed(
    client: confluent_kafka.Consumer, entries: list[TopicPartition], seconds: float
) -> list[TopicPartition]:
    return _ask_again(lambda left: client.committed(entries, timeout=left), seconds)


def _behind(client: confluent_kafka.Consumer, entry: TopicPartition, seconds: float) -> int:
    low, high = _ask_again(lambda left: client.get_watermark_offsets(entry, timeout=left), seconds)
    start = entry.offset if entry.offset >= 0 else low
    return int(max(0, high - start))


def _ask_again(question: Callable[[float], Answer], seconds: float) -> Answer:
    """Ask until time is up while a group's or a partition's leader moves, or is only just chosen.

    librdkafka asks again by itself for other errors, not for these.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return question(max(0.1, deadline - time.monotonic()))
        except KafkaException as error:
            if error.args[0].code() not in _LEADER_MOVES or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _connection() -> dict[str, str | int | float | bool]:
    return {
        "bootstrap.servers": settings.KAFKA_BOOTSTRAP_SERVERS,
        "client.id": "ganh",
        "reconnect.backoff.max.ms": 2_000,
    }


def _admin() -> AdminClient:
    return AdminClient(_connection())


def _metadata(admin: AdminClient) -> ClusterMetadata:
    try:
        return admin.list_topics(timeout=5)
    except KafkaException as error:
        raise KafkaAway(error.args[0].str()) from error
