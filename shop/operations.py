"""What operators see: the figures of `/metrics`, and those the operations page shows.

The intake's figures are counted by each web process and summed over all of them; the rest is read
from PostgreSQL and Kafka when Prometheus asks.
"""

import logging
from collections.abc import Iterable, Iterator

from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone
from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, UnknownMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from notifications import status
from notifications.kafka import KafkaAway
from orders.lifecycle import OrderStatus
from orders.models import Order
from payments.lifecycle import PaymentStatus
from payments.models import Payment
from shop import clock, intake_reports
from shop.duty_failures import present_failures
from shop.email_delays import email_delays
from shop.health import PROGRAMS, DatabaseAway, require_database
from shop.limits import busiest_addresses
from shop.models import BooksCheck, FailedPlacement
from shop.placement_records import FailureStatus
from shop.views.errors import DATABASE_AWAY

logger = logging.getLogger(__name__)

_OPEN_PAYMENTS = (PaymentStatus.PENDING, PaymentStatus.CAPTURING, PaymentStatus.REVIEW)
_LONGEST_QUERY = "5s"
_OF_AN_INTAKE = {
    "workers": "Placements that may run at once in a web process.",
    "busy": "Placements that ran when the process last reported.",
    "queued": "Placements that waited then.",
}


def exposition() -> bytes:
    """Return every metric in Prometheus's text format.

    What cannot be asked (PostgreSQL or Kafka is away) is left out; the rest is still told.
    """
    asked = CollectorRegistry(auto_describe=False)
    asked.register(_Asked())
    return generate_latest(_counted()) + generate_latest(asked)


def _counted() -> CollectorRegistry:
    """Return what web processes count: all of them where they share a folder, else this one."""
    registry = CollectorRegistry()
    try:
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    except ValueError:
        return REGISTRY
    return registry


class _Asked(Collector):
    """Everything that is read at the moment of the scrape."""

    def collect(self) -> Iterable[Metric]:
        yield from _from_database()
        try:
            lag = status.consumer_lag()
        except KafkaAway as error:
            logger.warning("The metrics lack the consumers' lag: %s", error)
            return
        family = GaugeMetricFamily(
            "ganh_consumer_lag", "Messages no consumer has read yet.", labels=["partition"]
        )
        for partition, messages in sorted(lag.items()):
            family.add_metric([str(partition)], messages)
        yield family


def _from_database() -> Iterator[Metric]:
    """Ask PostgreSQL part by part: one that takes too long leaves only its own figures out."""
    try:
        require_database()
    except DatabaseAway as error:
        logger.warning("The metrics lack what PostgreSQL knows: %s", str(error).strip())
        return
    for part in _PARTS:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [_LONGEST_QUERY])
                yield from list(part())
        except DATABASE_AWAY as error:
            logger.warning("The metrics lack %s: %s", part.__name__, str(error).strip())


def _shop() -> Iterator[Metric]:
    orders = dict(Order.objects.values_list("status").annotate(Count("pk")))
    yield _by_label(
        # Not a counter: orders move from status to status.
        UnknownMetricFamily("ganh_orders_total", "Orders by status.", labels=["status"]),
        {status.value: orders.get(status, 0) for status in OrderStatus},
    )
    payments = Payment.objects.filter(status__in=_OPEN_PAYMENTS)
    open_payments = dict(payments.values_list("status").annotate(Count("pk")))
    yield _by_label(
        GaugeMetricFamily("ganh_payments_open", "Payments not ended yet.", labels=["status"]),
        {status.value: open_payments.get(status, 0) for status in _OPEN_PAYMENTS},
    )
    yield _by_label(
        GaugeMetricFamily(
            "ganh_holds_by_network_address",
            "Unpaid orders, which hold stock, of the network addresses with most of them.",
            labels=["address"],
        ),
        busiest_addresses(),
    )
    yield GaugeMetricFamily(
        "ganh_failed_placements",
        "Placements that ended in an unexpected error and wait for staff.",
        FailedPlacement.objects.filter(status=FailureStatus.OPEN).count(),
    )
    last = BooksCheck.objects.first()
    yield GaugeMetricFamily(
        "ganh_books_violations",
        "Violations found when the books were last checked; NaN if they never were.",
        last.violations if last else float("nan"),
    )
    yield GaugeMetricFamily(
        "ganh_books_age_seconds",
        "How long ago the books were last checked; infinite if they never were.",
        (timezone.now() - last.checked_at).total_seconds() if last else float("inf"),
    )


def _intakes() -> Iterator[Metric]:
    """Tell each web process's intake, on all machines; the sums are this machine's."""
    reports = intake_reports.present()
    for figure, told in _OF_AN_INTAKE.items():
        yield _by_label(
            GaugeMetricFamily(f"ganh_intake_process_{figure}", told, labels=["process"]),
            {report.process: getattr(report, figure) for report in reports},
        )


def _pipeline() -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "ganh_outbox_depth", "Events Kafka has not taken yet.", status.outbox_depth()
    )
    yield GaugeMetricFamily(
        "ganh_outbox_oldest_seconds",
        "How long the oldest of them has waited.",
        status.outbox_oldest_seconds(),
    )
    yield GaugeMetricFamily(
        "ganh_dead_letters", "Dead letters not replayed yet.", status.dead_letter_count()
    )


def _emails() -> Iterator[Metric]:
    emails = UnknownMetricFamily(
        "ganh_emails_total", "Emails by event type and status.", labels=["type", "status"]
    )
    for labels, count in sorted(status.emails_by_type_and_status().items()):
        emails.add_metric(labels, count)
    yield emails
    delays = email_delays()
    yield HistogramMetricFamily(
        "ganh_email_delay_seconds",
        "From the commit of an event to its email's acceptance by the mail server.",
        buckets=[(bound, float(count)) for bound, count in delays.buckets],
        sum_value=delays.total_seconds,
    )


def _programs() -> Iterator[Metric]:
    ages = status.heartbeats()
    unseen = dict.fromkeys((*PROGRAMS.values(), clock.PAYPAL_THREAD), float("inf"))
    yield _by_label(
        GaugeMetricFamily(
            "ganh_heartbeat_age_seconds",
            "How long ago a process of the program was last seen at work; infinite after an hour.",
            labels=["program"],
        ),
        unseen | ages,
    )
    alive = status.processes_alive()
    yield _by_label(
        GaugeMetricFamily(
            "ganh_processes", "Processes of the program at work now.", labels=["program"]
        ),
        {program: alive.get(program, 0) for program in PROGRAMS.values()},
    )
    failing = {one.duty: one.times for one in present_failures()}
    yield _by_label(
        GaugeMetricFamily(
            "ganh_clock_duty_failures",
            "How often in a row a duty of the clock has failed now.",
            labels=["duty"],
        ),
        {
            duty.__name__: failing.get(duty.__name__, 0)
            for duty in (*clock.DUTIES, *clock.BOOKS_DUTIES)
        },
    )


_PARTS = (_programs, _pipeline, _intakes, _shop, _emails)


def _by_label(
    family: GaugeMetricFamily | UnknownMetricFamily, values: dict[str, float] | dict[str, int]
) -> Metric:
    for label, value in values.items():
        family.add_metric([label], value)
    return family
