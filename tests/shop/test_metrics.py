"""What Prometheus reads: every name, right after real flows, and still there without PostgreSQL."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from devtools.environment import PROJECT
from devtools.ports import free_port
from notifications.heartbeat import beat
from shop.books import check_books
from shop.intake import Intake, Overloaded
from shop.intake_reports import report
from tests.factories import contact, placed_order, placement
from tests.shop.flows import paid_order
from tests.shop.metric_rules import faults

NAMES = {
    "ganh_intake_workers",
    "ganh_intake_workers_busy",
    "ganh_intake_queue_depth",
    "ganh_intake_refused_total",
    "ganh_intake_wait_seconds_count",
    "ganh_failed_placements",
    "ganh_paypal_calls_in_flight",
    "ganh_paypal_circuit_open",
    "ganh_orders_total",
    "ganh_payments_open",
    "ganh_outbox_depth",
    "ganh_outbox_oldest_seconds",
    "ganh_email_delay_seconds_bucket",
    "ganh_dead_letters",
    "ganh_books_violations",
    "ganh_books_age_seconds",
    "ganh_heartbeat_age_seconds",
    "ganh_processes",
    "ganh_clock_duty_failures",
}
Samples = dict[tuple[str, tuple[str, ...]], float]


def scrape(client: Client) -> Samples:
    """Return each sample by its name and the values of its labels."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.fixture
def no_kafka(settings: Settings) -> None:
    """Let Kafka be away."""
    settings.KAFKA_BOOTSTRAP_SERVERS = f"127.0.0.1:{free_port()}"


@pytest.mark.usefixtures("no_kafka")
@pytest.mark.django_db(transaction=True)
def test_every_figure_is_there_and_counts_orders(client: Client) -> None:
    paid_order()
    placed_order()
    check_books()

    samples = scrape(client)

    assert {name for name, _ in samples} >= NAMES
    assert samples["ganh_orders_total", ("SUCCESS",)] == 1
    assert samples["ganh_payments_open", ("PENDING",)] == 1
    assert samples["ganh_outbox_depth", ()] == 3
    assert samples["ganh_books_violations", ()] == 0


@pytest.mark.usefixtures("no_kafka")
@pytest.mark.django_db
def test_each_process_and_the_ten_busiest_addresses_are_told(client: Client) -> None:
    report(Intake(workers=3, queue=5), "web-1:17")
    for number in range(12):
        customer = contact(email=f"{number}@example.com")
        placed_order(network_address=f"192.0.2.{max(1, number)}", contact=customer)

    samples = scrape(client)

    assert samples["ganh_intake_process_workers", ("web-1:17",)] == 3
    addresses = {labels: n for (name, labels), n in samples.items() if "network" in name}
    assert len(addresses) == 10
    assert addresses["192.0.2.1",] == 2


@pytest.mark.usefixtures("no_kafka")
@pytest.mark.django_db(transaction=True)
def test_names_and_units_are_as_prometheus_asks(client: Client) -> None:
    paid_order()
    families = list(text_string_to_metric_families(client.get("/metrics").text))

    assert len(families) > len(NAMES)
    assert faults(families) == []


@pytest.mark.usefixtures("no_kafka")
@pytest.mark.django_db(transaction=True)
def test_promtool_finds_no_fault(client: Client) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("Needs promtool (Debian's package prometheus).")
    paid_order()

    checked = subprocess.run(
        [promtool, "check", "metrics"],
        input=client.get("/metrics").content,
        capture_output=True,
        check=False,
    )

    assert (checked.returncode, checked.stderr.decode()) == (0, "")


@pytest.mark.usefixtures("no_kafka")
@pytest.mark.django_db
def test_programs_at_work_and_missing_are_told(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications.heartbeat._beaten_at", {})
    beat("consumer", instance="a")
    monkeypatch.setattr("notifications.heartbeat._beaten_at", {})
    beat("consumer", instance="b")

    samples = scrape(client)

    assert samples["ganh_processes", ("consumer",)] == 2
    assert samples["ganh_processes", ("relay",)] == 0
    assert samples["ganh_heartbeat_age_seconds", ("relay",)] == float("inf")
    assert samples["ganh_heartbeat_age_seconds", ("consumer",)] < 60


@pytest.mark.usefixtures("kafka_topic")
@pytest.mark.django_db
def test_the_lag_of_each_partition_is_told(client: Client) -> None:
    assert any(name == "ganh_consumer_lag" for name, _ in scrape(client))


@pytest.mark.usefixtures("no_kafka")
@pytest.mark.django_db
def test_without_database_the_processes_still_tell(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
    monkeypatch.setitem(connection.settings_dict, "PORT", free_port())

    names = {name for name, _ in scrape(client)}

    assert "ganh_intake_workers" in names
    assert "ganh_orders_total" not in names


@pytest.mark.usefixtures("no_kafka")
@pytest.mark.django_db
def test_a_figure_that_takes_too_long_leaves_out_itself_alone(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(60)")

    monkeypatch.setattr("shop.operations._LONGEST_QUERY", "50ms")
    monkeypatch.setattr("shop.operations.email_delays", slow)

    names = {name for name, _ in scrape(client)}

    assert "ganh_outbox_depth" in names
    assert "ganh_orders_total" in names
    assert "ganh_email_delay_seconds_bucket" not in names


@pytest.mark.usefixtures("no_kafka")
@pytest.mark.django_db
def test_a_refused_placement_is_counted(client: Client) -> None:
    before = scrape(client)["ganh_intake_refused_total", ()]
    full = Intake(workers=1, queue=0)
    full._places.acquire()

    with pytest.raises(Overloaded):
        full.submit(placement)

    assert scrape(client)["ganh_intake_refused_total", ()] == before + 1


ASKED_FOR = (
    PROJECT / "deploy" / "prometheus" / "alerts.yml",
    PROJECT / "deploy" / "grafana" / "ganh.json",
)
_ENDINGS = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}


@pytest.mark.usefixtures("kafka_topic")
@pytest.mark.django_db
def test_what_alerts_and_dashboard_ask_for_is_there(client: Client) -> None:
    families = list(text_string_to_metric_families(client.get("/metrics").text))
    there = {
        f"{family.name}{ending}"
        for family in families
        for ending in _ENDINGS.get(family.type, ("",))
    }
    named = {name for file in ASKED_FOR for name in re.findall(r"ganh_\w+", file.read_text())}

    assert len(named) > 20
    assert named - there == set()


def test_several_processes_are_summed(tmp_path: Path) -> None:
    program = (
        "import django; django.setup()\n"
        "from shop.intake_figures import WORKERS as INTAKE_WORKERS\n"
        "from shop.operations import _counted\n"
        "from prometheus_client import generate_latest\n"
        "INTAKE_WORKERS.set(3)\n"
        "print(generate_latest(_counted()).decode())"
    )
    shared = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "shop.settings"}

    told = [
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | shared,
            cwd=PROJECT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for _ in range(2)
    ]

    assert "ganh_intake_workers 3.0" in told[0]
    assert "ganh_intake_workers 6.0" in told[1]
