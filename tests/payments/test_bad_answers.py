"""Whatever PayPal answers or a browser brings: a calm page, a correct state, balanced books."""

import json
import logging
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as shop_settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from devtools.paypal.client import Emulator
from devtools.paypal.faults import WIRE_KINDS
from devtools.paypal.signatures import Signer
from orders.models import Order
from payments import duties
from payments import paypal as gateway_module
from payments.gateway import Refused, Unanswered
from payments.models import PaymentAttempt, WebhookReceipt
from payments.paypal import PayPal, gateway
from payments.paypal_http import MAX_BYTES
from payments.refunds import refund_payment
from payments.settlement import settle
from shop.books import check_books
from tests.factories import placed_order
from tests.paying import (
    approve,
    captures_sent,
    let_all_be_due,
    let_claims_end,
    open_at_paypal,
    standing,
)
from tests.payments import signed_webhooks
from tests.payments.canned_paypal import CannedPayPal
from tests.payments.test_paypal_client import purchase

RETURN = "/payments/paypal/return/"
SUMS = {"other_amount", "other_currency"}
# Silence is tried elsewhere: it takes as long as PayPal is waited for.
KINDS = sorted(WIRE_KINDS - {"latency", "timeout_after_commit"})


@pytest.fixture
def order() -> Order:
    return placed_order()


def start(order: Order) -> Any:
    return Client().get(reverse("payment-start", args=[order.transaction_id]))


def come_back(token: str | None) -> Any:
    return Client().get(RETURN, {"token": str(token)})


def let_the_clock_settle() -> None:
    """Behave as if the clock had ticked often enough."""
    for _ in range(3):
        let_claims_end()
        PaymentAttempt.objects.exclude(paypal_order_id=None).update(ask_at=timezone.now())
        duties.ask_paypal()
        duties.send_refunds()


def require_balanced_books() -> None:
    assert [f for f in check_books().findings if f.violations] == []


# --- From PayPal


@pytest.mark.django_db
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("route", ["token", "create"])
def test_a_start_answered_badly_is_repeated_and_opens_one_order(
    paypal: Emulator, order: Order, route: str, kind: str
) -> None:
    paypal.fault(route, kind)
    first = start(order)
    assert first.status_code == 303
    start(order)
    (at_paypal,) = paypal.orders()
    attempt = PaymentAttempt.objects.get()
    assert (attempt.paypal_order_id, attempt.status) == (at_paypal["id"], "OPEN")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in SUMS])
@pytest.mark.parametrize("route", ["token", "get", "capture"])
def test_a_return_answered_badly_is_settled_by_the_clock_with_one_capture(
    paypal: Emulator, order: Order, monkeypatch: pytest.MonkeyPatch, route: str, kind: str
) -> None:
    attempt = approve(order)
    monkeypatch.setattr(gateway_module, "_gateway", None)  # without a token
    paypal.fault(route, kind)
    response = come_back(attempt.paypal_order_id)
    assert (response.status_code, response["Location"]) == (303, order.get_absolute_url())
    let_the_clock_settle()
    assert standing(order) == ("SUCCESS", "SUCCESS", "")
    assert len(set(captures_sent(paypal))) == 1
    require_balanced_books()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", sorted(SUMS))
def test_an_approval_of_another_sum_is_never_captured(
    paypal: Emulator, order: Order, kind: str
) -> None:
    attempt = approve(order)
    paypal.fault("get", kind)
    assert come_back(attempt.paypal_order_id).status_code == 303
    assert standing(order) == ("PENDING", "PENDING", "")
    assert order.flag
    assert captures_sent(paypal) == []
    require_balanced_books()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", sorted(SUMS))
def test_a_capture_of_another_sum_is_given_back(paypal: Emulator, order: Order, kind: str) -> None:
    attempt = approve(order)
    paypal.fault("capture", kind)
    assert come_back(attempt.paypal_order_id).status_code == 303
    let_the_clock_settle()
    assert standing(order) == ("FAILED", "FAILED", "payment_mismatch")
    assert order.flag
    require_balanced_books()


@pytest.mark.parametrize(
    "changes",
    [{"custom_id": str(uuid.uuid4())}, {"amount": {"currency_code": "USD", "value": "1"}}],
)
def test_an_opened_order_that_is_not_ours_is_no_answer(
    canned: CannedPayPal, changes: dict[str, Any]
) -> None:
    canned.answer((200, {"id": "ORDER1", "status": "CREATED", "purchase_units": [changes]}))
    with pytest.raises(Unanswered, match="another"):
        PayPal().create_order(purchase(), request_id=uuid.uuid4())


@pytest.mark.parametrize("size", [MAX_BYTES + 1, 20_000_000])
def test_a_huge_answer_is_given_up(canned: CannedPayPal, size: int) -> None:
    canned.answer((200, b'{"id": "' + b"A" * size + b'"}'))
    with pytest.raises(Unanswered, match="TooMuch"):
        PayPal().get_order("ORDER1")


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"id": "ORDER1", "status": ' + b'{"a":' * 100_000,
        b'{"id": "ORDER1", "status": "\\ud800"}',
        b'{"id": "ORDER1", "status": "A\\nB"}',
        b'{"id": "ORDER1", "status": ' + b"1" * 5000 + b"}",
        json.dumps(
            {
                "id": "ORDER1",
                "status": "CREATED",
                "links": [{"rel": "approve", "href": "javascript:alert(1)"}],
            }
        ).encode(),
    ],
    ids=["deep list", "deep object", "half a character", "two lines", "long number", "script"],
)
@pytest.mark.parametrize("status", [200, 302, 422])
def test_an_answer_made_to_break_its_reader_is_no_answer(
    canned: CannedPayPal, status: int, body: bytes
) -> None:
    canned.answer((status, body))
    with pytest.raises((Unanswered, Refused)):
        PayPal().get_order("ORDER1")


def test_a_redirect_is_not_followed(canned: CannedPayPal) -> None:
    canned.answer((307, {"name": "MOVED"}))
    with pytest.raises(Unanswered, match="307"):
        PayPal().get_order("ORDER1")


def test_a_refusal_is_told_in_words_that_a_row_can_hold(canned: CannedPayPal) -> None:
    canned.answer((422, {"details": [{"issue": "A\0B"}], "debug_id": "f" * 500}))
    with pytest.raises(Refused) as refusal:
        PayPal().get_order("ORDER1")
    assert (refusal.value.issue, refusal.value.debug_id) == ("HTTP_422", "f" * 40)


# A broken connection, or a proxy before PayPal, gives the answer no name.
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", sorted(set(KINDS) - SUMS - {"reset", "html_502"}))
@pytest.mark.parametrize(
    ("route", "operation"),
    [("create", "create_order"), ("get", "get_order"), ("capture", "capture_order")],
)
def test_the_log_names_payment_and_answer_and_tells_no_secret(
    paypal: Emulator,
    order: Order,
    caplog: pytest.LogCaptureFixture,
    route: str,
    operation: str,
    kind: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    paypal.fault(route, kind)
    start(order)
    come_back(approve(order).paypal_order_id)
    line = _lines(caplog, operation)[0]
    assert f"transaction {order.transaction_id}," in line
    assert re.search(r"debug id [\da-f]{5,}$", line)
    token = str(gateway()._sdk.oauth_2._o_auth_token.access_token)
    for secret in (shop_settings.PAYPAL_CLIENT_SECRET, token, order.email):
        assert secret not in caplog.text


@pytest.mark.django_db
def test_refunds_and_comparisons_are_named_in_the_log(
    paypal: Emulator, order: Order, caplog: pytest.LogCaptureFixture
) -> None:
    settle(approve(order).pk, by="return")
    caplog.set_level(logging.INFO, logger="payments")
    paypal.fault("refund", "http_503")
    paypal.fault("get_capture", "html_502")
    refund_payment(order_id=order.pk, amount=None, reason="", by="Lan", request_id=uuid.uuid4())
    let_all_be_due()
    duties.compare_captures()
    for operation in ("refund_captured_payment", "get_captured_payment"):
        (line,) = _lines(caplog, operation)
        assert f"transaction {order.transaction_id}," in line


def _lines(caplog: pytest.LogCaptureFixture, operation: str) -> list[str]:
    """Return what the log says of calls of this kind, in their order."""
    said = [record.getMessage() for record in caplog.records]
    return [one for one in said if one.startswith(f"PayPal {operation} ")]


# --- From the browser


@pytest.mark.django_db
def test_two_references_at_once_name_no_payment(paypal: Emulator, order: Order) -> None:
    token = str(approve(order).paypal_order_id)
    assert Client().get(f"{RETURN}?token={token}&token={token}").status_code == 404
    assert standing(order) == ("PENDING", "PENDING", "")


@pytest.mark.django_db
@pytest.mark.parametrize("payer", ["", "\0", "A" * 10_000, "../../x", "<script>"])
def test_what_stands_beside_the_reference_changes_nothing(
    paypal: Emulator, order: Order, payer: str
) -> None:
    token = str(approve(order).paypal_order_id)
    response = Client().get(RETURN, {"token": token, "PayerID": payer, "state": payer})
    assert (response.status_code, response["Location"]) == (303, order.get_absolute_url())
    assert standing(order) == ("SUCCESS", "SUCCESS", "")


@pytest.mark.django_db
def test_a_return_without_approval_pays_nothing(paypal: Emulator, order: Order) -> None:
    token = str(open_at_paypal(order).paypal_order_id)
    assert come_back(token).status_code == 303
    assert standing(order) == ("PENDING", "PENDING", "")
    assert captures_sent(paypal) == []


# --- Webhooks with a wrong clock


@pytest.mark.django_db
@pytest.mark.parametrize("off", [timedelta(days=-400), timedelta(days=400)])
def test_a_signed_webhook_counts_whatever_its_clock_says(
    paypal: Emulator, signer: Signer, order: Order, monkeypatch: pytest.MonkeyPatch, off: timedelta
) -> None:
    attempt = approve(order)
    moment = (timezone.now() + off).timestamp()
    monkeypatch.setattr("devtools.paypal.signatures.time.time", lambda: moment)
    response = signed_webhooks.send(signed_webhooks.event(attempt), signer)
    monkeypatch.undo()
    assert response.status_code == 200
    duties.work_on_webhooks()
    assert standing(order) == ("SUCCESS", "SUCCESS", "")


@pytest.mark.django_db
@pytest.mark.parametrize("moment", ["yesterday", "1970-01-01T00:00:00Z", "9" * 5000])
def test_a_clock_that_was_not_signed_is_refused(
    paypal: Emulator, signer: Signer, order: Order, settings: Settings, moment: str
) -> None:
    body = signed_webhooks.event(approve(order))
    sent = signed_webhooks.send(body, signer, PAYPAL_TRANSMISSION_TIME=moment)
    assert sent.status_code == 401
    assert not WebhookReceipt.objects.exists()
