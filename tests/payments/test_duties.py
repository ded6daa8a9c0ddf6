"""What the order clock does for payments."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from devtools.paypal.client import Emulator
from orders.models import Order
from payments import duties
from payments.duties import ask_paypal, expire_orders
from payments.models import PaymentAttempt
from tests.factories import placed_order
from tests.paying import approve, standing

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
