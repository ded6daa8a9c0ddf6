"""Consumers under load, from the topic to a mail sink, beside Django's own SMTP backend."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import connection

from devtools.bench.cores import Moment, servers
from devtools.bench.figures import percentiles
from devtools.bench.workbench import Sink, consuming, running, seed, topic
from devtools.example_events import record_receipt
from notifications.models import DeliveryStatus, EmailDelivery
from notifications.relay import Relay
from notifications.shutdown import Shutdown

_EMAILS = 4_000
_FROM, _UNTIL = 0.2, 0.9  # of them: how fast they go in between is what counts
_LINES = 18  # an email of about 20 KB
_MANY_EMAILS = 100_000
_ORDERS_A_SECOND, _LATENCY_ORDERS = 50, 500
_ROWS = 1_000_000
_LEDGER = Path(__file__).with_name("ledger.sql")

Write = Callable[[int], EmailMultiAlternatives]


def parts(write: Write) -> Iterator[list[str]]:
    """Measure rate, latency and memory, and the rate again with a long history."""
    yield _latency()
    rate, lines = _rates("on empty tables", write)
    yield lines
    yield _memory()
    with connection.cursor() as cursor:
        cursor.execute(_LEDGER.read_text(), {"rows": _ROWS})
    later, lines = _rates(f"with {_ROWS:,} rows in ledger and history", write)
    yield [*lines, f"  slower by         {rate / later:9.2f}            aim: ≤ 1.2"]


@dataclass(frozen=True, slots=True)
class _Rate:
    """How fast emails went, and what each cost the machine."""

    each_second: float
    milliseconds: float  # of a core, in the process that sends
    cores: str

    def lines(self, name: str, note: str) -> list[str]:
        cost = f"{self.milliseconds:.2f} ms of a core each"
        return [
            f"  {name:<17} {self.each_second:9,.0f} emails/s   {cost}   {note}",
            f"    cores           {self.cores}",
        ]


def _rates(where: str, write: Write) -> tuple[float, list[str]]:
    """Measure one consumer and two, the floor before each of them and after."""
    messages = [write(_LINES) for _ in range(_EMAILS // 2)]
    size = len(messages[0].message().as_bytes())
    with Sink() as sink:
        floors = [_django_alone(messages, sink)]
        one = _consume(1, sink)
        floors.append(_django_alone(messages, sink))
        two = _consume(2, sink)
        floors.append(_django_alone(messages, sink))
    floor = max(floors, key=lambda each: each.each_second)
    ratios = [each.each_second / floor.each_second for each in (one, two)]
    gain = two.each_second / one.each_second
    return one.each_second, [
        f"Consumer {where}, emails of {size / 1000:.0f} KB",
        *one.lines("ours", ""),
        *two.lines("two of them", f"{gain:.2f} times one"),
        *floor.lines("floor", "Django's backend, one connection, no ledger"),
        f"  ratio             {ratios[0]:9.2f}            aim: ≥ 1.5",
        f"  ratio of two      {ratios[1]:9.2f}            aim: ≥ 1.6",
    ]


def _django_alone(messages: Sequence[EmailMultiAlternatives], sink: Sink) -> _Rate:
    plain = [_plain(message) for message in messages]
    backend = get_connection(
        "django.core.mail.backends.smtp.EmailBackend", host="127.0.0.1", port=sink.port
    )
    parts = {"Django": [psutil.Process().pid], "sink": [sink.pid]}
    early = Moment.read(parts)
    backend.send_messages(plain)
    return _rate(early, Moment.read(parts), len(plain), "Django")


def _plain(message: EmailMultiAlternatives) -> EmailMultiAlternatives:
    """Return a copy that is nothing but Django's."""
    copy = EmailMultiAlternatives(
        message.subject, message.body, message.from_email, message.to, headers=message.extra_headers
    )
    copy.attach_alternative(str(message.alternatives[0][0]), "text/html")
    return copy


def _consume(count: int, sink: Sink) -> _Rate:
    with topic(), consuming(count, sink) as consumers:
        seed(_EMAILS, lines=_LINES)
        before = sink.count()
        parts = {"consumers": [one.pid for one in consumers], "sink": [sink.pid], **servers()}
        Relay(Shutdown()).drain()
        first = sink.wait_for(before + int(_EMAILS * _FROM))
        early = Moment.read(parts)
        last = sink.wait_for(before + int(_EMAILS * _UNTIL))
        late = Moment.read(parts)
        sink.wait_for(before + _EMAILS)
    _must_be_recorded()
    return _rate(early, late, last - first, "consumers")


def _rate(early: Moment, late: Moment, emails: int, sender: str) -> _Rate:
    spent = late.seconds_since(early, sender)
    return _Rate(emails / (late.at - early.at), 1000 * spent / emails, late.shares_since(early))


def _must_be_recorded() -> None:
    """A rate of emails that the ledger does not know would be worth nothing."""
    unsettled = EmailDelivery.objects.exclude(status=DeliveryStatus.SENT).count()
    if unsettled:
        raise RuntimeError(f"{unsettled} emails were not recorded as sent.")


def _latency() -> list[str]:
    with Sink() as sink, topic(), running("run_outbox_relay"), consuming(1, sink):
        record_receipt("G-warm-up")
        sink.wait_for(1)
        committed = {}
        began = time.time()
        for number in range(_LATENCY_ORDERS):
            time.sleep(max(0.0, began + number / _ORDERS_A_SECOND - time.time()))
            event = record_receipt(f"G-latency-{number}")
            committed[str(event.pk)] = time.time()
        sink.wait_for(1 + _LATENCY_ORDERS)
        came = sink.came()
    times = [came[event] - at for event, at in committed.items()]
    return [
        f"Commit → accepted at {_ORDERS_A_SECOND} orders/s",
        f"  ours              {percentiles(times)}   aim: p50 ≤ 100 ms, p99 ≤ 500 ms",
    ]


def _memory() -> list[str]:
    """Let one consumer send many; its memory is read after the first tenth and at the end."""
    with Sink() as sink, topic(), consuming(1, sink) as consumers:
        seed(_MANY_EMAILS, lines=2)
        Relay(Shutdown()).drain()
        sizes = []
        for count in (_MANY_EMAILS // 10, _MANY_EMAILS):
            sink.wait_for(count)
            sizes.append(psutil.Process(consumers[0].pid).memory_info().rss / 2**20)
    first, last = sizes
    return [
        f"Memory of a consumer over {_MANY_EMAILS:,} emails",
        f"  ours              {first:.0f} MB early, {last:.0f} MB at the end   aim: ≤ 120 MB",
    ]
