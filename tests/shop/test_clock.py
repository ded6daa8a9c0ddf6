"""One duty of the clock that fails: the others are done, and everybody who looks is told."""

import pytest
from django.test import Client
from pytest_django import Settings

from devtools.ports import free_port
from shop import clock, duty_failures
from shop.duty_failures import DutyFailure
from tests.shop.test_metrics import scrape

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def fresh(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Kafka be away, and nothing be known of earlier ticks."""
    settings.KAFKA_BOOTSTRAP_SERVERS = f"127.0.0.1:{free_port()}"
    monkeypatch.setattr(duty_failures, "_well", set())


def with_duties(monkeypatch: pytest.MonkeyPatch, *duties: clock.Duty) -> None:
    monkeypatch.setattr(clock, "DUTIES", duties)


def broken() -> int:
    raise ZeroDivisionError


def whole() -> int:
    return 1


def test_a_failing_duty_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    with_duties(monkeypatch, whole, broken, whole)
    assert clock.tick() == 2


def test_a_failing_duty_is_seen(
    monkeypatch: pytest.MonkeyPatch, client: Client, admin_client: Client
) -> None:
    with_duties(monkeypatch, broken, whole)
    clock.tick()
    clock.tick()

    samples = scrape(client)
    page = admin_client.get("/admin/shop/intakereport/")

    assert samples["ganh_clock_duty_failures", ("broken",)] == 2
    assert samples["ganh_clock_duty_failures", ("whole",)] == 0
    assert "broken failed (ZeroDivisionError, 2 times)" in page.text


def test_a_duty_that_is_well_again_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with_duties(monkeypatch, broken)
    clock.tick()
    broken_no_more = whole
    monkeypatch.setattr(broken_no_more, "__name__", "broken")
    with_duties(monkeypatch, broken_no_more)
    clock.tick()

    assert not DutyFailure.objects.exists()


def test_the_failure_of_a_clock_that_is_gone_is_not_shown_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_duties(monkeypatch, broken)
    clock.tick()
    DutyFailure.objects.update(failed_at="2026-01-01T00:00Z")

    assert duty_failures.present_failures() == []
