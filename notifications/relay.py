"""Move the outbox to Kafka: one relay at a time, in the order of the outbox.

The one documented place where a transaction is held over the network: the rows are deleted in the
transaction that claims them, which commits once Kafka has the messages. A crash in between
publishes them again with the same ids, in the same order. A batch is claimed in portions, so that
Kafka takes the first ones while PostgreSQL reads the next.
"""

import logging
import random
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from opentelemetry.trace import SpanKind

from notifications import kafka
from notifications.database import DATABASE_AWAY, lock_class, loss_is_operational
from notifications.events import seal
from notifications.heartbeat import beat
from notifications.models import OutboxEntry, QuarantinedEvent
from notifications.shutdown import Shutdown
from notifications.tracing import are_spans_recorded, note_span, request_id_of

logger = logging.getLogger(__name__)

BATCH = 500
PORTION = 125
BUSY_SECONDS = 0.02
IDLE_SECONDS = 0.1
LONGEST_BACKOFF_SECONDS = 5.0
# More than Kafka's delivery timeout: a relay that stalls loses its claim, a slow Kafka does not.
STALLED_AFTER = "20s"
_LOCK = lock_class("outbox relay")

# Deleted as they are claimed, which also locks them: that holds only once this transaction commits.
# The merge is PostgreSQL's: it costs the relay less than decoding and encoding in Python.
_CLAIM = """
    WITH claimed AS (
        DELETE FROM notifications_outboxentry
        WHERE id = ANY (ARRAY(
            SELECT id FROM notifications_outboxentry ORDER BY id LIMIT %s FOR UPDATE))
        RETURNING id, event_id)
    SELECT event.id::text, event.type, event.subject,
           to_char(event.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
           event.traceparent,
           (event.body || CASE WHEN event.personal ? 'deliver_to' THEN event.personal
                          ELSE '{"deliver_to": []}'::jsonb || event.personal END)::text
    FROM claimed JOIN notifications_event event ON event.id = claimed.event_id
    ORDER BY claimed.id
"""

# An event that is published again stands where it was put last.
_SETTLE = """
    INSERT INTO notifications_publishedevent (event_id, topic, partition, "offset", published_at)
    SELECT event_id, %(topic)s, partition, "offset", %(now)s
    FROM unnest(%(events)s::uuid[], %(partitions)s::int[], %(offsets)s::bigint[])
        AS put (event_id, partition, "offset")
    ON CONFLICT (event_id) DO UPDATE SET topic = excluded.topic, partition = excluded.partition,
        "offset" = excluded."offset", published_at = excluded.published_at
"""


class Claimed(NamedTuple):
    """An event taken from the outbox."""

    event_id: str
    type: str
    subject: str
    recorded_at: str
    traceparent: str
    value: str

    def message(self) -> kafka.Outgoing:
        envelope = seal(
            event_id=self.event_id,
            event_type=self.type,
            subject=self.subject,
            at=self.recorded_at,
            traceparent=self.traceparent,
            value=self.value.encode(),
        )
        return kafka.Outgoing(envelope.key, envelope.value, envelope.headers)


class Relay:
    """Publishes the outbox until it is told to end."""

    def __init__(self, shutdown: Shutdown) -> None:
        self._shutdown = shutdown
        self._producer = kafka.Producer()
        self._limit = BATCH
        self._failures = 0
        self._has_topics = False

    def run(self) -> None:
        """Publish, waiting out Kafka's and PostgreSQL's absence; `FatalKafkaError` ends it."""
        while not self._shutdown.is_asked:
            try:
                with loss_is_operational():
                    beat("relay")
                    published = self.publish_waiting()
            except (kafka.KafkaAway, *DATABASE_AWAY) as error:
                self._back_off(error)
            else:
                self._failures = 0
                if published < BATCH:  # otherwise there is more
                    self._shutdown.wait(BUSY_SECONDS if published else IDLE_SECONDS)

    def drain(self) -> int:
        """Publish until the outbox is empty; return how many events."""
        published = 0
        while OutboxEntry.objects.exists() and not self._shutdown.is_asked:
            moved = self.publish_waiting()
            published += moved
            if not moved:
                self._shutdown.wait(IDLE_SECONDS)
        return published

    def publish_waiting(self) -> int:
        """Publish one batch; 0 when there is none, or when another relay is at it."""
        if not self._has_topics:
            kafka.ensure_topics()
            self._has_topics = True
        if not OutboxEntry.objects.exists():
            return 0
        try:
            published = self._publish_batch()
        except kafka.Refused as refusal:
            return self._isolate(refusal)
        self._limit = min(BATCH, self._limit * 2)
        return published

    def _publish_batch(self) -> int:
        with transaction.atomic(durable=True):
            if not _take_lead():
                return 0
            rows: list[Claimed] = []
            began = time.time_ns()
            positions = self._producer.publish(
                settings.KAFKA_EMAIL_TOPIC, _messages(rows, self._limit)
            )
            _settle(rows, positions)
        _tell(rows, began)
        return len(rows)

    def _isolate(self, refusal: kafka.Refused) -> int:
        """Find the row Kafka will never take: one at a time, then set that one aside."""
        if self._limit > 1:
            self._limit = 1
            return 0
        with transaction.atomic(durable=True):
            if not _take_lead():
                return 0
            rows = _claim(1)
            for row in rows:
                logger.error("Kafka will never take event %s: %s", row.event_id, refusal)
                QuarantinedEvent.objects.create(event_id=row.event_id, error=str(refusal))
        return 0

    def _back_off(self, error: Exception) -> None:
        """Wait outside any transaction until the other side answers again."""
        logger.warning("The relay waits: %s", str(error).strip())
        if not isinstance(error, kafka.KafkaAway):
            connection.close()
        self._failures += 1
        pause = min(LONGEST_BACKOFF_SECONDS, 0.1 * 2**self._failures) * random.uniform(0.5, 1)  # noqa: S311
        self._shutdown.wait(pause)
        self._has_topics = False


def _take_lead() -> bool:
    """Become the active relay until this transaction ends, or say that another one is.

    Tied to the transaction that deletes: a session's lock would outlive a stalled leader.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('idle_in_transaction_session_timeout', %s, true),"
            " pg_try_advisory_xact_lock(%s, 0)",
            [STALLED_AFTER, _LOCK],
        )
        (_, is_leader) = cursor.fetchone()
    return bool(is_leader)


def _messages(rows: list[Claimed], limit: int) -> Iterator[kafka.Outgoing]:
    """Claim up to so many rows, each portion when it is asked for, and note them in `rows`."""
    while len(rows) < limit:
        wanted = min(PORTION, limit - len(rows))
        portion = _claim(wanted)
        rows += portion
        for row in portion:
            yield row.message()
        if len(portion) < wanted:
            return


def _claim(limit: int) -> list[Claimed]:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [limit])
        return [Claimed._make(row) for row in cursor.fetchall()]


def _tell(rows: Sequence[Claimed], began_ns: int) -> None:
    """Write one line about the batch, and its part of each event's trace."""
    if not rows:
        return
    logger.info(
        "Published %d events",
        len(rows),
        extra={
            "orders": [row.subject for row in rows],
            "request_ids": [request_id_of(row.traceparent) for row in rows],
        },
    )
    if not are_spans_recorded():
        return
    for row in rows:
        name, about = f"publish {row.type}", {"order": row.subject, "event_id": row.event_id}
        note_span(name, after=row.traceparent, began_ns=began_ns, kind=SpanKind.PRODUCER, **about)


def _settle(rows: Sequence[Claimed], positions: Sequence[kafka.Position]) -> None:
    """Remember where the events stand."""
    partitions, offsets = zip(*positions, strict=True) if positions else ((), ())
    with connection.cursor() as cursor:
        cursor.execute(
            _SETTLE,
            {
                "events": [row.event_id for row in rows],
                "topic": settings.KAFKA_EMAIL_TOPIC,
                "partitions": list(partitions),
                "offsets": list(offsets),
                "now": timezone.now(),
            },
        )
