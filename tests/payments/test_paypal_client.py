"""The one module that speaks to PayPal: what it sends, and how it reads every answer."""

import time
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from devtools.paypal.client import Emulator
from payments import paypal as gateway_module
from payments.gateway import Address, GatewayError, Item, Purchase, Refused, Unanswered, Unknown
from payments.paypal import PayPal
from tests.devtools import paypal_openapi
from tests.payments.canned_paypal import CannedPayPal

ORDERS = "/v2/checkout/orders"


def purchase(**changes: Any) -> Purchase:
    return Purchase(
        **{
            "transaction_id": uuid.uuid4(),
            "invoice_id": f"G{uuid.uuid4().hex[:9].upper()}",
            "currency": "USD",
            "items": [Item("TEA-1", "Lotus tea", 2, Decimal("12.50"))],
            "delivery": Decimal("4.00"),
            "total": Decimal("29.00"),
            "address": Address(
                full_name="Lan Nguyễn",
                line1="12 Hàng Gai",
                line2="",
                city="Hà Nội",
                postal_code="100000",
                country="VN",
            ),
            "locale": "vi",
            "return_url": "http://127.0.0.1/return",
            "cancel_url": "http://127.0.0.1/cancel",
            **changes,
        }
    )


def open_order(paypal: Emulator, **changes: Any) -> str:
    return PayPal().create_order(purchase(**changes), request_id=uuid.uuid4()).id


# --- What is sent


def test_request_id_and_preference_arrive(paypal: Emulator) -> None:
    request_id = uuid.uuid4()
    PayPal().create_order(purchase(), request_id=request_id)
    headers = paypal.requests()[-1]["headers"]
    assert headers["Paypal-Request-Id"] == str(request_id)
    assert headers["Prefer"] == "return=representation"


@pytest.mark.parametrize("changes", [{}, {"locale": "en"}, {"delivery": Decimal(0)}])
def test_requests_follow_paypals_openapi_files(paypal: Emulator, changes: dict[str, Any]) -> None:
    if paypal_openapi.folder() is None:
        pytest.skip("PayPal's OpenAPI files are not here; PAYPAL_OPENAPI_DIR may name a folder.")
    total = Decimal("25.00") + changes.get("delivery", Decimal(4))
    open_order(paypal, total=total, **changes)
    sent = paypal.requests()[-1]
    assert sent["status"] == 200
    paypal_openapi.require_valid_request("POST", ORDERS, sent["body"])


def test_yen_are_written_without_decimals(paypal: Emulator) -> None:
    items = [Item("TEA-1", "Tea", 1, Decimal("900.00"))]
    open_order(
        paypal,
        currency="JPY",
        items=items,
        delivery=Decimal("100.00"),
        total=Decimal("1000.00"),
    )
    (unit,) = paypal.orders()[0]["purchase_units"]
    assert unit["amount"]["value"] == "1000"


def test_an_amount_with_too_many_decimals_is_never_rounded(paypal: Emulator) -> None:
    with pytest.raises(Refused, match="DECIMAL_PRECISION"):
        open_order(paypal, currency="JPY", total=Decimal("29.50"))
    assert paypal.orders() == []


def test_one_token_serves_many_calls(paypal: Emulator) -> None:
    client = PayPal()
    for _ in range(3):
        client.create_order(purchase(), request_id=uuid.uuid4())
    assert [r["path"] for r in paypal.requests()].count("/v1/oauth2/token") == 1


# --- What is understood


@pytest.mark.parametrize(
    "kind",
    ["http_500", "http_503", "rate_limit", "html_502", "truncated", "empty", "reset"],
)
@pytest.mark.parametrize("route", ["token", "create", "get", "capture", "refund"])
def test_a_line_that_fails_leaves_it_open_what_was_done(
    paypal: Emulator, route: str, kind: str
) -> None:
    order_id = open_order(paypal) if route != "token" else ""
    paypal.fault(route, kind)
    with pytest.raises(Unanswered):
        _call(PayPal(), route, order_id)


def _call(client: PayPal, route: str, order_id: str) -> None:
    request_id = uuid.uuid4()
    match route:
        case "get":
            client.get_order(order_id)
        case "capture":
            client.capture_order(order_id, request_id=request_id)
        case "refund":
            client.refund_capture(
                "CAPTURE", amount=Decimal(1), currency="USD", request_id=request_id
            )
        case _:
            client.create_order(purchase(), request_id=request_id)


def test_a_definite_refusal_carries_paypals_word_and_debug_id(paypal: Emulator) -> None:
    order_id = open_order(paypal)
    with pytest.raises(Refused) as refusal:
        PayPal().capture_order(order_id, request_id=uuid.uuid4())
    assert refusal.value.issue == "ORDER_NOT_APPROVED"
    assert refusal.value.debug_id


def test_an_order_paypal_never_saw_is_unknown(paypal: Emulator) -> None:
    with pytest.raises(Unknown):
        PayPal().get_order("5O190127TN364715T")


@pytest.mark.parametrize("issue", ["PREVIOUS_REQUEST_IN_PROGRESS", "ORDER_COMPLETION_IN_PROGRESS"])
def test_not_now_is_not_no(canned: CannedPayPal, issue: str) -> None:
    canned.answer((422, {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": issue}]}))
    with pytest.raises(Unanswered):
        PayPal().capture_order("ORDER1", request_id=uuid.uuid4())


def test_an_answer_about_another_order_is_no_answer(paypal: Emulator) -> None:
    order_id = open_order(paypal)
    paypal.fault("get", "other_id")
    with pytest.raises(Unanswered, match="another order"):
        PayPal().get_order(order_id)


@pytest.mark.parametrize("kind", ["latency", "timeout_after_commit"])
@pytest.mark.parametrize("route", ["token", "create"])
def test_paypal_is_waited_for_no_longer_than_the_limit(
    paypal: Emulator, monkeypatch: pytest.MonkeyPatch, route: str, kind: str
) -> None:
    monkeypatch.setattr(gateway_module, "TIMEOUT", (1, 0.3))
    paypal.fault(route, kind, delay_ms=20_000 if kind == "latency" else 0)
    began = time.monotonic()
    with pytest.raises(Unanswered):
        PayPal().create_order(purchase(), request_id=uuid.uuid4())
    assert time.monotonic() - began < 15  # the emulator would be silent for longer


def test_a_refused_token_is_renewed_once(canned: CannedPayPal) -> None:
    canned.answer((401, {"name": "AUTHENTICATION_FAILURE"}), (200, _order("ORDER1")))
    assert PayPal().get_order("ORDER1").status == "APPROVED"
    assert canned.tokens_given == 2


def test_a_second_refused_token_is_no_answer(canned: CannedPayPal) -> None:
    canned.answer((401, {"name": "AUTHENTICATION_FAILURE"}))
    with pytest.raises(Unanswered):
        PayPal().get_order("ORDER1")
    assert canned.tokens_given == 2


def test_an_answer_cannot_run_code(canned: CannedPayPal, tmp_path: Path) -> None:
    trap = {"py/reduce": [{"py/function": "os.mkdir"}, {"py/tuple": [str(tmp_path / "ran")]}]}
    canned.answer((200, {**_order("ORDER1"), "payer": trap, "purchase_units": [trap]}))
    PayPal().get_order("ORDER1")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("status", [200, 400, 404, 422])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"<html>",
        b'\xff\xfe{"id": 1}',
        {},
        {"details": "none"},
        {"details": [None]},
        {"details": [{"issue": None}]},
        {"id": "ORDER1", "status": "APPROVED", "purchase_units": [{"amount": {"value": "x"}}]},
        {"id": "ORDER1", "status": "APPROVED", "purchase_units": "none"},
        {"id": "ORDER1", "status": "APPROVED", "links": [{}]},
    ],
)
def test_whatever_comes_back_becomes_one_of_our_errors(
    canned: CannedPayPal, status: int, body: object
) -> None:
    canned.answer((status, body))
    with pytest.raises(GatewayError):
        PayPal().get_order("ORDER1")


def _order(order_id: str) -> dict[str, Any]:
    return {"id": order_id, "status": "APPROVED", "purchase_units": [], "links": []}


def _captured(**changes: object) -> dict[str, Any]:
    amount = {"currency_code": "USD", "value": "29.00"}
    capture = {"id": "CAPTURE1", "status": "COMPLETED", "amount": amount, **changes}
    return {**_order("ORDER1"), "purchase_units": [{"payments": {"captures": [capture]}}]}


@pytest.mark.parametrize(
    "body",
    [
        {**_order("ORDER1"), "status": 5},
        {**_order("ORDER1"), "links": [{"rel": "approve", "href": "https://x/" + "y" * 500}]},
        {**_order("ORDER1"), "purchase_units": [{"custom_id": "\0"}]},
        _captured(id="C" * 41),
        _captured(status="S" * 21),
        _captured(amount={"currency_code": "DOLLARS", "value": "29.00"}),
        *(
            _captured(amount={"currency_code": "USD", "value": value})
            for value in ("NaN", "Infinity", "1e30", "", 29, None)
        ),
    ],
)
def test_what_no_row_of_ours_can_hold_is_no_answer(canned: CannedPayPal, body: object) -> None:
    canned.answer((200, _captured()), (200, body))
    client = PayPal()
    assert client.get_order("ORDER1").captures[0].amount == Decimal("29.00")
    with pytest.raises(Unanswered):
        client.get_order("ORDER1")


@pytest.mark.parametrize("body", [{}, {"id": "R1"}, {"id": 1, "status": "COMPLETED"}])
def test_a_refund_in_an_unknown_shape_is_no_answer(canned: CannedPayPal, body: object) -> None:
    canned.answer((201, body))
    with pytest.raises(Unanswered):
        _call(PayPal(), "refund", "")


def test_a_refusal_in_an_unknown_shape_is_still_named(canned: CannedPayPal) -> None:
    canned.answer((403, {"name": "NOT_AUTHORIZED", "details": {}}))
    with pytest.raises(Refused) as refusal:
        PayPal().get_order("ORDER1")
    assert refusal.value.issue == "NOT_AUTHORIZED"
