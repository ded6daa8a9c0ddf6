"""The pipeline under load: relay and consumers beside what their libraries alone can do."""

import time
import uuid
from collections.abc import Iterator

import confluent_kafka
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.db.models import Max, Min

from devtools.bench import consumers
from devtools.bench.cores import Moment, servers
from devtools.bench.figures import percentiles
from devtools.bench.workbench import running, seed, topic
from devtools.example_events import receipt_body, receipt_personal
from notifications import relay
from notifications.emails import write_email
from notifications.models import OutboxEntry, PublishedEvent
from shop.tuning.database import throwaway_database

_EVENTS = 50_000
_RENDERED = 500


def report() -> list[str]:
    """Measure each part in a database, on a topic and beside a mail sink of its own."""
    with throwaway_database():
        for lines in _parts():
            print("\n".join(lines), flush=True)
    return []


def _parts() -> Iterator[list[str]]:
    yield _rendering()
    yield _relay()
    yield from consumers.parts(lambda lines: write_receipt(lines=lines, locale="en"))


# --- Rendering


def _rendering() -> list[str]:
    write_receipt(lines=2, locale="vi")
    times = []
    for _ in range(_RENDERED):
        began = time.perf_counter()
        write_receipt(lines=2, locale="vi")
        times.append(time.perf_counter() - began)
    return [f"Write one email     {percentiles(times)}   aim: p50 ≤ 1 ms"]


def write_receipt(*, lines: int, locale: str) -> EmailMultiAlternatives:
    data = {**receipt_body("G-1", lines=lines), **receipt_personal("G-1")}
    return write_email(
        event_id=uuid.uuid4(),
        event_type="order.confirmed",
        role="customer",
        address="mai@example.com",
        name="Mai Nguyễn",
        locale=locale,
        message_id=f"<{uuid.uuid4()}@example.com>",
        data={**data, "valid_until": None, "covered_by": None},
    )


# --- Relay


def _relay() -> list[str]:
    with topic():
        seed(_EVENTS, lines=2)
        floor = _bare_producer()
        with running("run_outbox_relay") as programs:
            ours, cores = _rate_of_relay(programs[0].pid)
    return [
        f"Relay               {ours:9,.0f} events/s   aim: ≥ 15,000",
        f"  floor             {floor:9,.0f} events/s   a bare producer reading the same rows",
        f"  ratio             {ours / floor:9.2f}            aim: ≥ 0.5",
        f"  cores             {cores}",
    ]


def _rate_of_relay(pid: int) -> tuple[float, str]:
    """Return events a second from the first batch to the last, and what the cores did."""
    while not PublishedEvent.objects.exists():
        time.sleep(0.05)
    parts = {"relay": [pid], **servers()}
    early = Moment.read(parts)
    while OutboxEntry.objects.exists():
        time.sleep(0.05)
    cores = Moment.read(parts).shares_since(early)
    found = PublishedEvent.objects.aggregate(first=Min("published_at"), last=Max("published_at"))
    first, last = (found[name].timestamp() for name in ("first", "last"))
    return (_EVENTS - relay.BATCH) / (last - first), cores


def _bare_producer() -> float:
    """Read the rows as the relay does and produce them, batch by batch; delete nothing."""
    producer = confluent_kafka.Producer(
        {
            "bootstrap.servers": settings.KAFKA_BOOTSTRAP_SERVERS,
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 2,
            "compression.type": "lz4",
            "partitioner": "murmur2_random",
        }
    )
    place, last, produced = settings.KAFKA_DEAD_LETTER_TOPIC, 0, 0
    began = time.perf_counter()
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT entry.id, event.subject, convert_to((body || personal)::text, 'UTF8')"
                " FROM notifications_outboxentry entry"
                " JOIN notifications_event event ON event.id = entry.event_id"
                " WHERE entry.id > %s ORDER BY entry.id LIMIT %s",
                [last, relay.BATCH],
            )
            rows = cursor.fetchall()
        if not rows:
            return produced / (time.perf_counter() - began)
        for _, subject, value in rows:
            producer.produce(place, key=subject, value=bytes(value))
            producer.poll(0)
        producer.flush()
        last, produced = rows[-1][0], produced + len(rows)
