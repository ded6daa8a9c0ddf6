"""The operations page: what runs and what waits, for staff who may see it, whatever is away."""

import re
import uuid
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from devtools.mailbox.client import Mailbox
from devtools.ports import free_port
from notifications.models import EmailDelivery, Event, OutboxEntry, QuarantinedEvent
from orders.models import Order
from shop.admin.mending import MENDINGS
from shop.intake import Intake
from shop.intake_reports import report
from shop.models import FailedPlacement, IntakeReport
from shop.operations_report import history
from tests.factories import placed_order, placement
from tests.notifications.conftest import consume, publish, publish_and_consume
from tests.notifications.examples import delivery_of, record
from tests.notifications.test_dead_letters import read_templates
from tests.shop.flows import paid_order

pytestmark = pytest.mark.django_db
PAGE = "/admin/shop/intakereport/"


@pytest.fixture(autouse=True)
def no_kafka(request: pytest.FixtureRequest, settings: Settings) -> None:
    """Let Kafka be away, but for those who ask for a topic."""
    if "kafka_topic" in request.fixturenames:
        return
    settings.KAFKA_BOOTSTRAP_SERVERS = f"127.0.0.1:{free_port()}"


def reported(process: str, minutes_ago: float = 0, **figures: float) -> None:
    values = dict.fromkeys(("workers", "busy", "queued", "most_queued", "done"), 0)
    values |= {"refused": 0, "failed": 0, "longest_wait": 0, **figures}  # type: ignore[dict-item]
    at = timezone.now() - timedelta(minutes=minutes_ago)
    IntakeReport.objects.create(process=process, at=at, **values)


def test_each_process_tells_what_it_does(admin_client: Client) -> None:
    report(Intake(workers=3, queue=5), "web-1:17")
    reported("web-2:18", workers=2, busy=2, queued=7, refused=4)
    reported("web-0:16", minutes_ago=2)

    page = admin_client.get(PAGE)

    told = [(one.process, one.workers, one.queued) for one in page.context["report"].processes]
    assert told == [("web-1:17", 3, 0), ("web-2:18", 2, 7)]
    assert "refusing" in page.text


def test_an_hour_of_all_processes_minute_by_minute() -> None:
    now = timezone.now()
    for process in ("a", "b"):
        reported(process, 5, done=10, longest_wait=0.5)
        reported(process, 70, done=99)

    minutes = history(now)

    assert len(minutes) == 60
    assert sum(one.done for one in minutes) == 20
    assert max(one.longest_wait for one in minutes) == 0.5


def test_what_waits_for_a_person_is_told_with_what_mends_it(admin_client: Client) -> None:
    wish = placement()
    FailedPlacement.objects.create(
        checkout_key=wish.checkout_key,
        fingerprint="",
        wish=wish.to_json(),
        error="E",
        traceback="",
        failed_at=timezone.now(),
        failed_again_at=timezone.now(),
    )
    placed_order()

    page = admin_client.get(PAGE)

    figures = {part.command: (part.figure, part.is_well) for part, *_ in page.context["parts"]}
    assert figures["manage.py retry_failed_placements --all"] == ("1", False)
    assert page.context["report"].open_payments[0].quarter == 1


def test_kafka_away_is_said(admin_client: Client) -> None:
    assert "Kafka does not answer" in admin_client.get(PAGE).text


def entered(status: str, number: int, *, seconds: float = 0.2, hours_ago: float = 0) -> None:
    """Enter emails in the ledger, sent so many seconds after their events."""
    at = timezone.now() - timedelta(hours=hours_ago)
    for _ in range(number):
        EmailDelivery.objects.create(
            event_id=uuid.uuid4(),
            role="customer",
            event_type="order.confirmed",
            subject="G-1",
            recorded_at=at - timedelta(seconds=seconds),
            topic="t",
            status=status,
            value=b"{}",
            next_attempt_at=at,
            created_at=at,
            settled_at=at,
        )


def test_emails_of_the_day_are_told_by_stage_and_state_with_their_delay(
    admin_client: Client,
) -> None:
    for status, number in {"SENT": 3, "CLAIMED": 1, "WAITING": 1, "DEFERRED": 2}.items():
        entered(status, number)
    entered("SENT", 5, seconds=900, hours_ago=2)
    entered("DEAD", 1, hours_ago=25)

    page = admin_client.get(PAGE)

    (row,) = page.context["report"].emails
    assert (row.type, row.sent, row.on_their_way, row.deferred, row.dead) == (
        "order.confirmed",
        8,
        2,
        2,
        0,
    )
    assert page.context["report"].email_delays == (0.2, 0.2)
    assert "within 0.20 s" in page.text


@pytest.mark.django_db(transaction=True)
def test_lag_is_told_by_partition(admin_client: Client, kafka_topic: str) -> None:
    record("G-1")
    publish()
    page = admin_client.get(PAGE)
    (partition,) = (n for n, behind in page.context["report"].lag.items() if behind)
    assert f"1, by partition {partition}: 1" in page.text


def test_only_what_changes_is_renewed(admin_client: Client) -> None:
    part = admin_client.get(PAGE, {"part": "now"}).text
    assert "<html" not in part
    assert "The last hour" in part


def test_no_script_stands_in_the_page(admin_client: Client) -> None:
    page = admin_client.get(PAGE)
    assert "admin-operations.js" in page.text
    assert (
        "unsafe-inline" not in page["Content-Security-Policy"].split("script-src")[1].split(";")[0]
    )


def test_only_who_may_sees_it(client: Client) -> None:
    staff = User.objects.create_user("staff", password="x", is_staff=True)
    client.force_login(staff)
    assert client.get(PAGE).status_code == 403

    staff.user_permissions.add(Permission.objects.get(codename="view_intakereport"))
    page = client.get(PAGE)

    assert page.status_code == 200
    assert "/admin/notifications/deadletter/" not in page.text


def test_questions_are_few_however_much_there_is(admin_client: Client) -> None:
    admin_client.get(PAGE, {"part": "now"})
    with CaptureQueriesContext(connection) as few:
        admin_client.get(PAGE, {"part": "now"})
    for number in range(3):
        paid_order()
        placed_order(network_address=f"192.0.2.{number}")
        reported(f"web:{number}", done=1)

    with CaptureQueriesContext(connection) as many:
        admin_client.get(PAGE, {"part": "now"})

    assert len(many) == len(few)
    assert len(many) <= 20


def failed_placement() -> FailedPlacement:
    wish = placement()
    return FailedPlacement.objects.create(
        checkout_key=wish.checkout_key,
        fingerprint="",
        wish=wish.to_json(),
        error="E",
        traceback="",
        failed_at=timezone.now(),
        failed_again_at=timezone.now(),
    )


def test_a_button_places_again_what_failed(admin_client: Client) -> None:
    failure = failed_placement()
    assert 'value="placements"' in admin_client.get(PAGE).text
    page = admin_client.post(PAGE, {"mend": "placements"}, follow=True)
    assert "1 placed, 0 refused, 0 failed again." in page.text
    failure.refresh_from_db()
    assert failure.status == "PLACED"
    assert 'value="placements"' not in page.text


def test_a_button_is_for_those_alone_who_may(client: Client) -> None:
    failure = failed_placement()
    staff = User.objects.create_user("staff", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_intakereport"))
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    assert 'value="placements"' not in client.get(PAGE).text
    for what in (*MENDINGS, "nonsense"):
        assert client.post(PAGE, {"mend": what, "chosen": str(uuid.uuid4())}).status_code == 403
    failure.refresh_from_db()
    assert failure.status == "OPEN"


def set_aside(order: Order) -> QuarantinedEvent:
    """Let Kafka have refused what the order's customer was to be told."""
    event = Event.objects.get(subject=order.number, type="order.confirmed")
    OutboxEntry.objects.filter(event=event).delete()
    return QuarantinedEvent.objects.create(event=event, error="too large")


def chosen_in(question: Any) -> list[str]:
    """Return what the question's form would send."""
    return re.findall(r'name="chosen" value="([^"]*)"', question.text)


def test_what_was_not_shown_is_not_decided_about(admin_client: Client) -> None:
    set_aside(paid_order())
    for chosen, code in (("nonsense", 400), (str(uuid.uuid4()), 302)):
        answer = admin_client.post(PAGE, {"mend": "give-up", "chosen": chosen})
        assert answer.status_code == code
    assert QuarantinedEvent.objects.waiting().count() == 1


@pytest.mark.parametrize("what", ["refused", "give-up"])
def test_what_kafka_refused_is_decided_about_once_asked(admin_client: Client, what: str) -> None:
    row = set_aside(paid_order())
    assert f'value="{what}"' in admin_client.get(PAGE).text
    question = admin_client.post(PAGE, {"mend": what})
    assert str(MENDINGS[what].asks) in unescape(question.text)
    assert str(row.event) in question.text
    later = set_aside(paid_order())  # after the question
    page = admin_client.post(PAGE, {"mend": what, "chosen": chosen_in(question)}, follow=True)
    assert ("1 go to Kafka again." if what == "refused" else "1 given up.") in page.text
    assert [one.pk for one in QuarantinedEvent.objects.waiting()] == [later.pk]
    assert OutboxEntry.objects.filter(event=row.event).exists() == (what == "refused")
    assert LogEntry.objects.get().change_message == f"{MENDINGS[what].label}: " + (
        "1 go to Kafka again." if what == "refused" else "1 given up."
    )


def test_who_gave_an_event_up_stands_in_its_orders_timeline(admin_client: Client) -> None:
    order = paid_order()
    row = set_aside(order)
    admin_client.post(PAGE, {"mend": "give-up", "chosen": str(row.pk)})
    page = admin_client.get(reverse("admin:orders_order_change", args=[order.pk])).text
    assert "set aside, Kafka refuses it: too large, given up by admin" in page


@pytest.mark.django_db(transaction=True)
def test_a_button_replays_dead_letters_and_they_are_mailed(
    admin_client: Client, kafka_topic: str, mailbox: Mailbox, tmp_path: Path
) -> None:
    faulty = tmp_path / "notifications" / "order.confirmed" / "customer"
    faulty.mkdir(parents=True)
    (faulty / "body.html").write_text("{# Faulty. #}\n{{ order.number|money:'USD' }}")
    read_templates(tmp_path)
    event = record("G-1")
    publish_and_consume()
    read_templates()
    assert 'value="letters"' in admin_client.get(PAGE).text

    page = admin_client.post(PAGE, {"mend": "letters"}, follow=True)

    assert "Replay: 1 replayed, 0 could not be." in page.text
    assert 'value="letters"' not in page.text
    assert consume() == 1
    assert delivery_of(event).status == "SENT"
    assert LogEntry.objects.get().change_message == "Replay: 1 replayed, 0 could not be."
