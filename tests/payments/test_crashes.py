"""A process that dies after any commit and around any call: the next settle() ends it right."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from devtools.paypal.client import Emulator
from orders.models import Order
from payments import opening, settlement
from payments.duties import send_refunds
from payments.models import Payment, PaymentAttempt, Refund
from payments.opening import approval_url
from payments.paypal import PayPal
from payments.settlement import settle
from shop.models import Variant
from tests.factories import VariantFactory, placed_order
from tests.paying import (
    approve,
    captures_sent,
    choose,
    events_of,
    let_all_be_due,
    let_claims_end,
    on_shelf,
    standing,
)

pytestmark = pytest.mark.django_db


class Died(BaseException):
    """The process was killed here."""


@contextmanager
def dies_at(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, after: bool
) -> Iterator[None]:
    """Die when this is called, or when it has just been done."""
    original: Callable[..., Any] = getattr(owner, name)

    def die(*args: Any, **kwargs: Any) -> None:
        if after:
            original(*args, **kwargs)
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, die)
        with pytest.raises(Died):
            yield


@pytest.fixture
def tea() -> Variant:
    return VariantFactory.create(stock=10)


@pytest.fixture
def order(tea: Variant) -> Order:
    return placed_order((tea, 2))


BEFORE_AND_AFTER = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
EACH_STEP = pytest.mark.parametrize(
    ("owner", "name"),
    [
        (PayPal, "get_order"),
        (settlement, "_claim"),
        (PayPal, "capture_order"),
        (settlement, "record_captures"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)


@BEFORE_AND_AFTER
@EACH_STEP
def test_payment_is_taken_once_wherever_the_process_died(
    paypal: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    order: Order,
    tea: Variant,
    owner: Any,
    name: str,
    after: bool,
) -> None:
    attempt = approve(order)
    with dies_at(monkeypatch, owner, name, after=after):
        settle(attempt.pk, by="return")
    let_claims_end()
    settle(attempt.pk, by="clock")
    assert standing(order) == ("SUCCESS", "SUCCESS", "")
    assert len(paypal.captures()) == 1
    assert len(set(captures_sent(paypal))) == 1
    assert on_shelf(tea.sku) == (8, 0)
    assert events_of(order) == ["order.confirmed"]


@BEFORE_AND_AFTER
def test_refusal_is_recorded_once_wherever_the_process_died(
    paypal: Emulator, monkeypatch: pytest.MonkeyPatch, order: Order, tea: Variant, after: bool
) -> None:
    attempt = approve(order, "decline")
    with dies_at(monkeypatch, settlement, "record_refused_capture", after=after):
        settle(attempt.pk, by="return")
    let_claims_end()
    settle(attempt.pk, by="clock")
    assert standing(order) == ("PENDING", "PENDING", "")
    assert PaymentAttempt.objects.get().issue == "INSTRUMENT_DECLINED"
    assert on_shelf(tea.sku) == (10, 2)
    assert events_of(order) == ["order.payment_failed"]


@BEFORE_AND_AFTER
@pytest.mark.parametrize(
    ("owner", "name"), [(opening, "_open_attempt"), (PayPal, "create_order")], ids=["row", "call"]
)
def test_payment_is_opened_once_wherever_the_process_died(
    paypal: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    order: Order,
    owner: Any,
    name: str,
    after: bool,
) -> None:
    with dies_at(monkeypatch, owner, name, after=after):
        approval_url(order.transaction_id)
    approval_url(order.transaction_id)
    attempt = PaymentAttempt.objects.get()
    assert len(paypal.orders()) == 1
    choose(attempt, "pay")
    settle(attempt.pk, by="return")
    assert standing(order) == ("SUCCESS", "SUCCESS", "")


@BEFORE_AND_AFTER
def test_refund_is_given_once_wherever_the_process_died(
    paypal: Emulator, monkeypatch: pytest.MonkeyPatch, order: Order, after: bool
) -> None:
    attempt = approve(order)
    attempt.close(issue="", at=order.placed_at)
    PayPal().capture_order(attempt.paypal_order_id or "", request_id=attempt.create_request_id)
    settle(attempt.pk, by="clock")
    with dies_at(monkeypatch, PayPal, "refund_capture", after=after):
        send_refunds()
    let_all_be_due()
    assert send_refunds() == 1
    assert Refund.objects.get().status == "COMPLETED"
    assert paypal.captures()[0]["status"] == "REFUNDED"
    assert events_of(order) == ["payment.refunded"]


def test_an_error_at_any_statement_of_the_recording_leaves_it_to_the_next(
    paypal: Emulator, order: Order, tea: Variant
) -> None:
    attempt = approve(order)
    broken_off = 0
    while _breaks_at(broken_off, attempt):
        order.refresh_from_db()
        status, payment, _ = standing(order)
        assert (status == "SUCCESS") == (payment == "SUCCESS") == (on_shelf(tea.sku) == (8, 0))
        let_claims_end()
        broken_off += 1
    assert broken_off >= 10
    assert standing(order) == ("SUCCESS", "SUCCESS", "")
    assert len(set(captures_sent(paypal))) == 1
    assert events_of(order) == ["order.confirmed"]


def _breaks_at(statement: int, attempt: PaymentAttempt) -> bool:
    """Settle, but die at this statement; False when it has fewer than that."""
    left = statement

    def run(execute: Callable[..., Any], *args: Any) -> Any:
        nonlocal left
        left -= 1
        if left == -1:
            raise Died
        return execute(*args)

    with connection.execute_wrapper(run):
        try:
            settle(attempt.pk, by="clock")
        except Died:
            return True
    return False


@pytest.mark.parametrize("lines", [1, 20])
def test_settling_takes_few_statements_however_many_lines(paypal: Emulator, lines: int) -> None:
    """Count all but the traces of PayPal's calls, which belong to PayPal's own time."""
    attempt = approve(placed_order(*VariantFactory.create_batch(lines)))
    with CaptureQueriesContext(connection) as queries:
        settle(attempt.pk, by="return")
    traces = [one for one in queries.captured_queries if "payments_gatewaycall" in one["sql"]]
    assert len(queries) - len(traces) <= 15
    assert Payment.objects.get().status == "SUCCESS"
