"""The pipeline under load: relay and consumer beside what their libraries alone can do."""

import subprocess
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import confluent_kafka
import psutil
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import connection
from django.db.models import Max, Min

from devtools.bench.figures import percentiles
from devtools.bench.workbench import Sink, end, program, seed, start, topic
from devtools.example_events import receipt_body, receipt_personal, record_receipt
from notifications import relay
from notifications.emails import write_email
from notifications.models import DeliveryStatus, EmailDelivery, OutboxEntry, PublishedEvent
from shop.tuning.database import throwaway_database

_EVENTS = 50_000
_EMAILS = 2_000
_LINES = 18  # an email of 20 KB
_RENDERED = 500
_ORDERS_A_SECOND, _LATENCY_ORDERS = 50, 500
_ROWS = 1_000_000
_LEDGER = Path(__file__).with_name("ledger.sql")


def report() -> list[str]:
    """Measure each part in a database, on a topic and beside a mail sink of its own."""
    with throwaway_database(), topic():
        parts = (_rendering, _relay, lambda: _consumers("on empty tables"), _latency, _many_rows)
        for part in parts:
            print("\n".join(part()), flush=True)
    return []


# --- Rendering


def _rendering() -> list[str]:
    _write(lines=2, locale="vi")
    times = []
    for _ in range(_RENDERED):
        began = time.perf_counter()
        _write(lines=2, locale="vi")
        times.append(time.perf_counter() - began)
    return [f"Write one email     {percentiles(times)}   aim: p50 ≤ 1 ms"]


def _write(*, lines: int, locale: str) -> EmailMultiAlternatives:
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
    seed(_EVENTS, lines=2)
    floor = _bare_producer()
    with program("run_outbox_relay"):
        while OutboxEntry.objects.exists():
            time.sleep(0.05)
    first, last = _published_between()
    ours = (_EVENTS - relay.BATCH) / (last - first)
    return [
        f"Relay               {ours:9,.0f} events/s   aim: ≥ 15,000",
        f"  floor             {floor:9,.0f} events/s   a bare producer reading the same rows",
        f"  ratio             {ours / floor:9.2f}            aim: ≥ 0.5",
    ]


def _published_between() -> tuple[float, float]:
    """Return when the first and the last batch were published."""
    found = PublishedEvent.objects.aggregate(first=Min("published_at"), last=Max("published_at"))
    return found["first"].timestamp(), found["last"].timestamp()


def _bare_producer() -> float:
    """Read the rows as the relay does and produce them, batch by batch; delete nothing."""
    producer = confluent_kafka.Producer(
        {
            "bootstrap.servers": settings.KAFKA_BOOTSTRAP_SERVERS,
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 2,
            "compression.type": "lz4",
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


# --- Consumer


def _consumers(where: str) -> list[str]:
    messages = [_write(lines=_LINES, locale="en") for _ in range(_EMAILS)]
    size = len(messages[0].message().as_bytes())
    with Sink() as sink:
        floor = _django_alone(messages, sink)
        one, memory = _consume(1, sink)
        two, _ = _consume(2, sink)
    return [
        f"Consumer {where}, emails of {size / 1000:.0f} KB",
        f"  ours              {one:9,.0f} emails/s   memory {memory}",
        f"  two of them       {two:9,.0f} emails/s   ratio {two / one:.2f}   aim: ≥ 1.6",
        f"  floor             {floor:9,.0f} emails/s   Django's backend, one connection, no ledger",
        f"  ratio             {one / floor:9.2f}            aim: ≥ 1.5",
    ]


def _django_alone(messages: Sequence[EmailMultiAlternatives], sink: "Sink") -> float:
    plain = []
    for message in messages:
        copy = EmailMultiAlternatives(
            message.subject,
            message.body,
            message.from_email,
            message.to,
            headers=message.extra_headers,
        )
        copy.attach_alternative(str(message.alternatives[0][0]), "text/html")
        plain.append(copy)
    backend = get_connection(
        "django.core.mail.backends.smtp.EmailBackend", host="127.0.0.1", port=sink.port
    )
    began = time.perf_counter()
    backend.send_messages(plain)
    return len(plain) / (time.perf_counter() - began)


def _consume(count: int, sink: "Sink") -> tuple[float, str]:
    """Return emails a second between the first tenth and the end, and how memory grew."""
    seed(_EMAILS, lines=_LINES)
    with program("run_outbox_relay"):
        while OutboxEntry.objects.exists():
            time.sleep(0.05)
    before = _settled()
    programs = [start("run_email_consumer", sink) for _ in range(count)]
    try:
        early = _wait_settled(before + _EMAILS // 10)
        first = _memory(programs)
        late = _wait_settled(before + _EMAILS)
        last = _memory(programs)
    finally:
        end(programs)
    return (late[0] - early[0]) / (late[1] - early[1]), f"{first:.0f} → {last:.0f} MB"


def _settled() -> int:
    return EmailDelivery.objects.filter(status=DeliveryStatus.SENT).count()


def _wait_settled(count: int) -> tuple[int, float]:
    while (settled := _settled()) < count:
        time.sleep(0.1)
    return settled, time.perf_counter()


def _memory(programs: Sequence["subprocess.Popen[bytes]"]) -> float:
    return max(psutil.Process(one.pid).memory_info().rss for one in programs) / 2**20


# --- Latency


def _latency() -> list[str]:
    with Sink() as sink:
        programs = [start("run_outbox_relay", sink), start("run_email_consumer", sink)]
        try:
            record_receipt("G-warm-up")
            settled, _ = _wait_settled(_settled() + 1)
            committed = {}
            began = time.time()
            for number in range(_LATENCY_ORDERS):
                time.sleep(max(0.0, began + number / _ORDERS_A_SECOND - time.time()))
                event = record_receipt(f"G-latency-{number}")
                committed[str(event.pk)] = time.time()
            _wait_settled(settled + _LATENCY_ORDERS)
        finally:
            end(programs)
    came = sink.came()
    times = [came[event] - at for event, at in committed.items()]
    return [
        f"Commit → accepted at {_ORDERS_A_SECOND} orders/s",
        f"  ours              {percentiles(times)}   aim: p50 ≤ 100 ms, p99 ≤ 500 ms",
    ]


def _many_rows() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_LEDGER.read_text(), {"rows": _ROWS})
    return _consumers(f"with {_ROWS:,} rows in ledger and history")
