"""What the order clock does for payments."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from time_machine import travel

from devtools.paypal.client import Emulator
from orders.models import Order
from payments import duties
from payments.duties import ask_paypal, expire_orders, report_unknown_captures
from payments.gateway import Unanswered
from payments.models import PaymentAttempt
from payments.settlement import settle
from shop import clock
from tests.factories import placed_order
from tests.paying import approve, let_all_be_due, standing, told_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def two_orders() -> list[Order]:
    """Return two orders whose time is over."""
    orders = [placed_order(), placed_order()]
    Order.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    return orders


def _fail_once(monkeypatch: pytest.MonkeyPatch, name: str, error: Exception) -> None:
    original: Callable[..., Any] = getattr(duties, name)
    errors = [error]

    def work(*args: Any, **kwargs: Any) -> Any:
        if errors:
            raise errors.pop()
        return original(*args, **kwargs)

    monkeypatch.setattr(duties, name, work)


def test_a_case_that_fails_is_logged_and_does_not_stop_the_others(
    two_orders: list[Order], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _fail_once(monkeypatch, "expire_order", ZeroDivisionError())
    assert expire_orders() == 1
    assert "ZeroDivisionError" in caplog.text
    assert expire_orders() == 1
    assert {standing(order)[2] for order in two_orders} == {"expired"}


def test_without_the_database_the_duty_ends(
    two_orders: list[Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    _fail_once(monkeypatch, "expire_order", OperationalError())
    with pytest.raises(OperationalError):
        expire_orders()


def test_a_tick_takes_a_bounded_number_of_cases(two_orders: list[Order]) -> None:
    assert [expire_orders(limit=1) for _ in range(3)] == [1, 1, 0]


def test_paypal_away_for_one_case_is_asked_about_the_next(paypal: Emulator) -> None:
    orders = [placed_order(), placed_order()]
    for order in orders:
        approve(order)
    PaymentAttempt.objects.update(ask_at=timezone.now())
    paypal.fault("get", "http_503")
    assert ask_paypal() == 1
    assert sorted(standing(order)[0] for order in orders) == ["PENDING", "SUCCESS"]


def test_an_attempt_is_asked_about_only_when_its_turn_comes(paypal: Emulator) -> None:
    order = placed_order()
    approve(order)
    assert ask_paypal() == 0
    PaymentAttempt.objects.update(ask_at=timezone.now())
    assert (ask_paypal(), ask_paypal()) == (1, 0)
    assert standing(order) == ("SUCCESS", "SUCCESS", "")


def test_what_one_clock_takes_another_leaves_alone(paypal: Emulator) -> None:
    order = placed_order()
    approve(order)
    let_all_be_due()
    paypal.fault("get", "http_503")
    assert (ask_paypal(), ask_paypal()) == (0, 0)
    assert len([call for call in paypal.requests() if call["method"] == "GET"]) == 1


def _capturing_since(paypal: Emulator, order: Order, age: timedelta) -> None:
    attempt = approve(order)
    paypal.fault("capture", "http_503")
    with travel(timezone.now() - age, tick=False), pytest.raises(Unanswered):
        settle(attempt.pk, by="return")


def test_a_capture_unknown_for_an_hour_is_told_once(paypal: Emulator) -> None:
    order = placed_order()
    _capturing_since(paypal, order, timedelta(hours=1, seconds=1))
    assert (report_unknown_captures(), report_unknown_captures()) == (1, 0)
    order.refresh_from_db()
    assert (order.flag, told_staff(order)) == ("capture_unknown", ["capture_unknown"])


def test_a_capture_unknown_for_a_minute_is_not_told(paypal: Emulator) -> None:
    order = placed_order()
    _capturing_since(paypal, order, timedelta(minutes=1))
    assert report_unknown_captures() == 0


@pytest.mark.parametrize(
    ("duty", "indexes"),
    [
        (duties.end_holds, {"holds_that_will_end"}),
        (duties.remind_customers, {"holds_that_will_end"}),
        (expire_orders, {"orders_that_will_end"}),
        (report_unknown_captures, {"payments_being_captured"}),
        (duties.forget_webhooks, {"receipts_with_a_body"}),
        (duties.forget_calls, {"calls_to_forget"}),
        (duties.work_on_webhooks, {"receipts_to_work_on"}),
        (ask_paypal, {"attempts_to_ask_about"}),
        (duties.send_refunds, {"refunds_to_follow"}),
        (duties.compare_captures, {"captures_to_ask_about"}),
    ],
)
def test_each_duty_finds_what_is_due_by_its_own_index(
    duty: Callable[[], int], indexes: set[str]
) -> None:
    """With nothing due a tick reads these small indexes, however many rows are done with."""
    with CaptureQueriesContext(connection) as queries:
        assert duty() == 0
    found = [one["sql"] for one in queries.captured_queries if "SELECT" in one["sql"]]
    with connection.cursor() as cursor:
        cursor.execute("REINDEX TABLE orders_order")  # other tests' dead entries are a cost, too
        cursor.execute("SET LOCAL enable_seqscan = off")
        plans = []
        for sql in found:
            cursor.execute(f"EXPLAIN {sql}")
            plans += [line for (line,) in cursor.fetchall()]
    assert {name for name in indexes if name in "\n".join(plans)} == indexes


def test_the_clock_does_every_duty() -> None:
    named = {duty.__name__ for duty in (*clock.DATABASE_DUTIES, *clock.PAYPAL_DUTIES)}
    assert named >= {
        "remind_customers",
        "end_holds",
        "expire_orders",
        "report_unknown_captures",
        "forget_webhooks",
        "forget_calls",
        "work_on_webhooks",
        "ask_paypal",
        "send_refunds",
        "compare_captures",
    }
