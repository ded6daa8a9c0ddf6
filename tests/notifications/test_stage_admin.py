"""The stages in the admin: switches, previews of real orders, tests to oneself."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from devtools.mailbox.client import Mailbox
from notifications.models import Event, StageSetting
from notifications.stages import STAGES
from tests.factories import contact, placed_order
from tests.notifications.conftest import publish_and_consume
from tests.notifications.examples import delivery_of, record

pytestmark = pytest.mark.django_db

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">'


def switch(event_type: str, role: str = "customer") -> StageSetting:
    return StageSetting.objects.get(type=event_type, role=role)


def page_of(row: StageSetting, name: str = "notifications_stagesetting_change") -> str:
    return reverse(f"admin:{name}", args=[row.pk])


def clerk(*codenames: str) -> Client:
    """Sign in a person with these permissions."""
    person = User.objects.create_user("clerk", email="clerk@example.com", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_every_stage_has_its_row_purpose_and_page(admin_client: Client) -> None:
    page = admin_client.get(reverse("admin:notifications_stagesetting_changelist"))
    rows = list(page.context["cl"].result_list)
    assert [(row.type, row.role) for row in rows] == [(one.type, one.role) for one in STAGES]
    assert [row.enabled for row in rows] == [stage.is_on for stage in STAGES]
    for row in rows:
        text = admin_client.get(page_of(row)).text
        assert str(row.stage.purpose).split("'")[0] in text
        assert 'name="enabled"' in text


def test_a_switch_counts_from_the_next_event_on(admin_client: Client) -> None:
    before = placed_order()
    row = switch("order.placed")
    assert admin_client.post(page_of(row), {"enabled": "on"}).status_code == 302
    after = placed_order()
    told = {
        order.number: len(Event.objects.get(subject=order.number).personal["deliver_to"])
        for order in (before, after)
    }
    assert told == {before.number: 0, after.number: 1}
    admin_client.post(page_of(row), {})
    assert not switch("order.placed").enabled


@pytest.mark.parametrize("language", ["en", "vi"])
@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: f"{stage.type} {stage.role}")
def test_every_stage_is_previewed_from_a_real_order(
    admin_client: Client, stage: Any, language: str
) -> None:
    order = placed_order()
    address = page_of(switch(stage.type, stage.role), "stage-preview")
    page = admin_client.get(address, {"order": order.number, "language": language})
    assert page.status_code == 200, page.text
    assert f'lang="{language}"' in page.text
    if stage.type.startswith("order."):
        assert order.number in page.text


@pytest.mark.parametrize(
    ("form", "heading"),
    [("", "A customer has opened a dispute"), ("digest", "What waits for a person")],
)
def test_staff_may_see_both_forms_of_what_needs_them(
    admin_client: Client, form: str, heading: str
) -> None:
    placed_order()
    row = switch("staff.attention", "staff")
    assert 'name="form"' in admin_client.get(page_of(row)).text
    page = admin_client.get(page_of(row, "stage-preview"), {"language": "en", "form": form})
    assert heading in page.text


def test_what_customers_wrote_runs_nowhere_in_a_preview(admin_client: Client) -> None:
    placed_order(contact=contact(full_name=HOSTILE, city=HOSTILE))
    page = admin_client.get(page_of(switch("order.confirmed"), "stage-preview"))
    assert "<script>alert" not in page.text
    assert "<img src=x" not in page.text
    policy = page["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert policy.endswith("sandbox")
    assert "script-src" not in policy
    plain = admin_client.get(page_of(switch("order.confirmed"), "stage-preview"), {"part": "text"})
    assert plain["Content-Type"].startswith("text/plain")


def test_the_page_frames_the_preview_in_a_sandbox(admin_client: Client) -> None:
    order = placed_order()
    page = admin_client.get(page_of(switch("order.shipped")), {"width": "phone"})
    assert "<iframe sandbox " in page.text
    assert "stage-frame-phone" in page.text
    assert f"?order={order.number}&amp;language=en" in page.text
    assert "frame-src 'self'" in page["Content-Security-Policy"]


def test_an_unknown_order_says_so(admin_client: Client) -> None:
    address = page_of(switch("order.shipped"), "stage-preview")
    assert admin_client.get(address, {"order": "G-NONE"}).status_code == 404


def test_a_test_goes_to_whoever_asks_and_to_nobody_else(mailbox: Mailbox) -> None:
    order = placed_order()
    client = clerk("view_stagesetting", "change_stagesetting", "view_event")
    address = page_of(switch("order.shipped"), "stage-test")
    assert client.get(address).status_code == 302
    assert mailbox.messages() == []
    client.post(address, {"order": order.number, "language": "vi"})
    (message,) = mailbox.messages()
    assert message["to"] == ["clerk@example.com"]
    assert message["subject"].startswith("[Test] ")
    assert order.number in message["subject"]


def test_a_mail_server_that_refuses_is_told(mailbox: Mailbox) -> None:
    placed_order()
    client = clerk("view_stagesetting", "change_stagesetting", "view_event")
    mailbox.fault("permfail_550")
    page = client.post(page_of(switch("order.shipped"), "stage-test"), follow=True)
    assert "The mail server did not take it" in page.text


@pytest.mark.parametrize(
    ("permissions", "seen", "changed", "shown", "tested"),
    [
        ([], 403, 403, 403, 403),
        (["view_stagesetting"], 200, 403, 403, 403),
        (["view_stagesetting", "view_event"], 200, 403, 200, 403),
        (["view_stagesetting", "change_stagesetting"], 200, 302, 403, 403),
    ],
)
def test_each_page_asks_for_its_permission(
    permissions: list[str], seen: int, changed: int, shown: int, tested: int
) -> None:
    placed_order()
    client, row = clerk(*permissions), switch("order.shipped")
    assert client.get(page_of(row)).status_code == seen
    assert client.post(page_of(row), {"enabled": "on"}).status_code == changed
    assert client.get(page_of(row, "stage-preview")).status_code == shown
    assert client.post(page_of(row, "stage-test")).status_code == tested


@pytest.mark.django_db(transaction=True)
def test_the_last_day_is_counted_by_state(
    admin_client: Client, mailbox: Mailbox, kafka_topic: str
) -> None:
    event = record("G-1")
    publish_and_consume()
    assert delivery_of(event).status == "SENT"
    row = switch("order.confirmed")
    assert "sent 1" in admin_client.get(page_of(row)).text
