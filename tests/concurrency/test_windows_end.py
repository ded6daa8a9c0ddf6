"""The end of PayPal's windows, at the very moment when another process captures."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from devtools.paypal.client import Emulator
from orders.models import Order
from payments.gateway import Unanswered
from payments.models import PaymentAttempt, Refund
from payments.paypal_http import BoundedClient
from payments.settlement import PAYPAL_WINDOWS, settle
from tests.factories import placed_order
from tests.paying import approve, let_claims_end, standing, violations

pytestmark = pytest.mark.django_db(transaction=True)
_PATIENCE_SECONDS = 30
_execute = BoundedClient.execute


@pytest.fixture
def attempt(paypal: Emulator) -> PaymentAttempt:
    """Approved; whoever reads it now finds that its windows are over."""
    attempt = approve(placed_order())
    PaymentAttempt.objects.update(opened_at=timezone.now() - PAYPAL_WINDOWS - timedelta(seconds=1))
    return attempt


def order_of(attempt: PaymentAttempt) -> Order:
    return Order.objects.get(payment=attempt.payment_id)


def capture_in_time(attempt: PaymentAttempt) -> None:
    """Settle as a process does that had looked at the time before the windows ended."""
    PaymentAttempt.objects.update(opened_at=timezone.now())
    settle(attempt.pk, by="webhook")


def once_answered(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None]) -> None:
    """Let something happen after PayPal has answered the first call, before its caller reads it."""

    def execute(client: BoundedClient, request: Any, configuration: Any) -> Any:
        answer = _execute(client, request, configuration)
        if "/checkout/orders/" in request.query_url and meanwhile_once:
            meanwhile_once.pop()()
        return answer

    meanwhile_once = [meanwhile]
    monkeypatch.setattr(BoundedClient, "execute", execute)


def test_a_capture_under_way_is_waited_for(
    attempt: PaymentAttempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_claimed, may_capture = threading.Event(), threading.Event()

    def send(client: BoundedClient, request: Any, configuration: Any) -> Any:
        if request.query_url.endswith("/capture"):
            is_claimed.set()
            assert may_capture.wait(_PATIENCE_SECONDS)
        return _execute(client, request, configuration)

    def capture() -> None:
        try:
            capture_in_time(attempt)
        finally:
            connection.close()

    def begin_to_capture() -> None:
        monkeypatch.setattr(BoundedClient, "execute", send)
        other.start()
        assert is_claimed.wait(_PATIENCE_SECONDS)

    other = threading.Thread(target=capture)
    once_answered(monkeypatch, begin_to_capture)
    settle(attempt.pk, by="clock")
    may_capture.set()
    other.join(_PATIENCE_SECONDS)
    assert standing(order_of(attempt)) == ("SUCCESS", "SUCCESS", "")
    assert not Refund.objects.exists()
    assert violations() == []


def test_a_capture_begun_since_paypal_was_asked_is_not_given_up(
    paypal: Emulator, attempt: PaymentAttempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_a_capture() -> None:
        paypal.fault("capture", "truncated")  # taken, but the answer is cut off
        with pytest.raises(Unanswered):
            capture_in_time(attempt)
        let_claims_end()

    once_answered(monkeypatch, lose_a_capture)
    settle(attempt.pk, by="clock")
    assert standing(order_of(attempt)) == ("PENDING", "CAPTURING", "")
    settle(attempt.pk, by="clock")
    assert standing(order_of(attempt)) == ("SUCCESS", "SUCCESS", "")
    assert not Refund.objects.exists()
