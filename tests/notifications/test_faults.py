"""Kafka, PostgreSQL and the programs failing under load; consumers coming and going."""

import json
import signal
import subprocess
import sys

import psutil
import pytest
from confluent_kafka.admin import AdminClient
from django.db import transaction
from pytest_django import Settings

from devtools import environment
from devtools.chaos.post import email_problems
from devtools.mailbox.client import Mailbox
from notifications import kafka, relay
from notifications.models import (
    DeliveryStatus,
    EmailDelivery,
    Heartbeat,
    OutboxEntry,
    PublishedEvent,
)
from tests import services
from tests.notifications.conftest import Programs, consume, eventually, publish
from tests.notifications.examples import record
from tests.notifications.topic import read_topic
from tests.running_stack import RunningStack

pytestmark = pytest.mark.usefixtures("real_kafka")


# --- Kafka and PostgreSQL, in a whole stack


def mailing(stack: RunningStack, *arguments: str) -> "subprocess.Popen[str]":
    """Run the program that puts load on the pipeline and judges it."""
    return subprocess.Popen(
        [sys.executable, "-m", "devtools.chaos.mailing", *arguments],
        cwd=environment.PROJECT,
        env=services.without_settings()
        | environment.read(stack.folder / "env")
        | {"DJANGO_SETTINGS_MODULE": "shop.settings"},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "blow",
    [
        pytest.param(("signal", "KILL", "kafka"), id="broker-killed"),
        pytest.param(("signal", "QUIT", "postgres"), id="postgres-stopped-at-once"),
    ],
)
def test_service_failing_mid_batch_loses_and_doubles_nothing(
    stack: RunningStack, blow: tuple[str, ...]
) -> None:
    load = mailing(stack, "record", "300")
    stack.wait_until(lambda: len(stack.mailbox.messages()) >= 10)
    stack.ctl(*blow)
    recorded, _ = load.communicate(timeout=100)
    assert len(json.loads(recorded)) == 300
    verdict, _ = mailing(stack, "judge", stack.mailbox.url, recorded).communicate(timeout=120)
    assert json.loads(verdict) == []


# --- Programs


def backlog(orders: int, emails_each: int = 3) -> None:
    """Record events of many orders in one transaction."""
    with transaction.atomic():
        for _ in range(emails_each):
            for number in range(orders):
                record(f"G-{number}")


@pytest.mark.django_db(transaction=True)
def test_standby_takes_over_from_a_relay_that_stalls_with_the_lead(programs: Programs) -> None:
    """PostgreSQL ends the stalled relay's transaction; once it goes on it starts over."""
    backlog(5)
    stalled = programs.start("1s", program=["-m", "devtools.chaos.dying"])
    eventually(lambda: psutil.Process(stalled.pid).status() == psutil.STATUS_STOPPED)
    assert not PublishedEvent.objects.exists()
    standby = programs.start("run_outbox_relay")
    eventually(lambda: not OutboxEntry.objects.exists())
    programs.kill(standby)
    stalled.send_signal(signal.SIGCONT)
    backlog(1)
    eventually(lambda: not OutboxEntry.objects.exists())
    assert PublishedEvent.objects.count() == 18


def test_stall_is_longer_than_kafka_may_take_and_short_enough_to_take_over_in_time() -> None:
    assert kafka.DELIVERY_TIMEOUT_SECONDS < int(relay.STALLED_AFTER.removesuffix("s")) < 30


@pytest.mark.django_db(transaction=True)
def test_two_relays_publish_each_event_once(programs: Programs, kafka_topic: str) -> None:
    backlog(200)
    for _ in range(2):
        programs.start("run_outbox_relay")
    eventually(lambda: not OutboxEntry.objects.exists())
    places = set(PublishedEvent.objects.values_list("partition", "offset"))
    assert len(places) == 600
    assert len(read_topic(kafka_topic)) == 600


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(120)
def test_consumers_coming_and_going_lose_and_double_nothing(
    programs: Programs, mailbox: Mailbox
) -> None:
    """One consumer, then four, then one again, while emails flow; one leaves without a word."""
    relay = programs.start("run_outbox_relay")
    backlog(80)
    running = [programs.start("run_email_consumer")]
    eventually(lambda: EmailDelivery.objects.filter(status=DeliveryStatus.SENT).count() > 20)
    running += [programs.start("run_email_consumer") for _ in range(3)]
    eventually(lambda: Heartbeat.objects.filter(program="consumer").count() == 4, seconds=60)
    eventually(lambda: EmailDelivery.objects.filter(status=DeliveryStatus.SENT).count() > 80)
    backlog(40)
    programs.kill(running.pop())
    for leaving in running[1:]:
        leaving.terminate()
        assert leaving.wait(20) == 0
    backlog(10)
    eventually(lambda: not email_problems(mailbox.messages()), seconds=60)
    assert relay.poll() is None


@pytest.mark.django_db(transaction=True)
def test_whole_topic_read_again_with_the_offsets_deleted_sends_nothing(
    kafka_topic: str, mailbox: Mailbox, settings: Settings
) -> None:
    backlog(20)
    publish()
    assert consume() == 60
    group = settings.KAFKA_EMAIL_GROUP
    admin = AdminClient({"bootstrap.servers": settings.KAFKA_BOOTSTRAP_SERVERS})

    def is_forgotten() -> bool:
        """The group has no member left, and its offsets are gone."""
        return admin.delete_consumer_groups([group])[group].exception(20) is None

    eventually(is_forgotten, seconds=30)
    assert consume() == 0
    assert len(mailbox.messages()) == 60
