"""The emulator's orders: made, approved and captured as at PayPal."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from devtools.paypal.app import Server
from devtools.paypal.client import Emulator
from tests.devtools.paypal_merchant import JSON, Merchant, issue, order_body, usd


def test_wrong_credentials_get_no_token(merchant: Merchant) -> None:
    response = merchant.ask_for_token(secret="")
    assert response.status_code == 401
    assert response.json()["error"] == "invalid_client"


def test_call_without_token_is_refused(merchant: Merchant) -> None:
    merchant.token = "made-up"
    response = merchant.create()
    assert response.status_code == 401
    assert response.json()["name"] == "AUTHENTICATION_FAILURE"


def test_token_ends_after_nine_hours(merchant: Merchant, paypal: Emulator) -> None:
    paypal.advance(9 * 3600)
    assert merchant.create().status_code == 401


@pytest.mark.usefixtures("openapi")
def test_whole_payment_follows_the_openapi_files(merchant: Merchant) -> None:
    order_id = merchant.create(headers={"Prefer": "return=representation"}).json()["id"]
    merchant.choose(order_id, "pay")
    assert merchant.get(order_id).json()["status"] == "APPROVED"
    capture_id = merchant.capture(order_id).json()["purchase_units"][0]["payments"]["captures"][0][
        "id"
    ]
    assert merchant.get_capture(capture_id).json()["status"] == "COMPLETED"
    refund_id = merchant.refund(capture_id, "2.00").json()["id"]
    assert merchant.call("GET", f"/v2/payments/refunds/{refund_id}").json()["amount"] == usd("2.00")
    assert merchant.get(order_id).json()["status"] == "COMPLETED"


def test_order_with_payment_source_sends_the_payer_on(merchant: Merchant) -> None:
    response = merchant.create()
    assert response.status_code == 200
    assert response.json()["status"] == "PAYER_ACTION_REQUIRED"
    assert [link["rel"] for link in response.json()["links"]] == ["self", "payer-action"]


def test_order_without_payment_source_is_created(merchant: Merchant) -> None:
    body = order_body()
    del body["payment_source"]
    response = merchant.create(body)
    assert response.status_code == 201
    assert response.json()["status"] == "CREATED"
    assert [link["rel"] for link in response.json()["links"]] == ["self", "approve", "capture"]


def test_payment_source_needs_a_request_id(merchant: Merchant) -> None:
    response = merchant.call("POST", "/v2/checkout/orders", order_body())
    assert (response.status_code, issue(response)) == (400, "PAYPAL_REQUEST_ID_REQUIRED")


def test_minimal_answer_hides_what_representation_shows(merchant: Merchant) -> None:
    assert "intent" not in merchant.create().json()
    whole = merchant.create(headers={"Prefer": "return=representation"}).json()
    assert whole["purchase_units"][0]["custom_id"] == "t-1"


def _breakdown(**parts: str) -> JSON:
    return usd("42.00") | {"breakdown": {name: usd(value) for name, value in parts.items()}}


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ({"amount": _breakdown(item_total="38.00", shipping="3.99")}, "AMOUNT_MISMATCH"),
        ({"amount": _breakdown(item_total="37.99", shipping="4.01")}, "ITEM_TOTAL_MISMATCH"),
        ({"amount": usd("42.00")}, "ITEM_TOTAL_REQUIRED"),
        ({"amount": usd("42.001"), "items": []}, "DECIMAL_PRECISION"),
        ({"amount": usd("0.00"), "items": []}, "CANNOT_BE_ZERO_OR_NEGATIVE"),
        ({"amount": {"currency_code": "VND", "value": "1"}, "items": []}, "INVALID_CURRENCY_CODE"),
        (
            {"amount": {"currency_code": "JPY", "value": "1.5"}, "items": []},
            "DECIMALS_NOT_SUPPORTED",
        ),
    ],
)
def test_unsound_sums_are_refused(merchant: Merchant, unit: JSON, expected: str) -> None:
    response = merchant.create(order_body(**unit))
    assert (response.status_code, issue(response)) == (422, expected)


@pytest.mark.parametrize(
    ("change", "expected", "field"),
    [
        (lambda body: body.pop("intent"), "MISSING_REQUIRED_PARAMETER", "/intent"),
        (
            lambda body: body["purchase_units"][0]["items"][0].update(quantity="0"),
            "INVALID_PARAMETER_SYNTAX",
            "/purchase_units/0/items/0/quantity",
        ),
        (
            lambda body: body["purchase_units"][0].update(invoice_id="x" * 128),
            "INVALID_STRING_LENGTH",
            "/purchase_units/0/invoice_id",
        ),
        (lambda body: body.update(purchase_units=[]), "INVALID_ARRAY_MIN_ITEMS", "/purchase_units"),
    ],
)
def test_malformed_request_is_refused_at_its_field(
    merchant: Merchant, change: Callable[[JSON], Any], expected: str, field: str
) -> None:
    body = order_body()
    change(body)
    response = merchant.create(body)
    assert response.status_code == 400
    assert response.json()["details"][0]["issue"] == expected
    assert response.json()["details"][0]["field"] == field


def test_unknown_order_is_not_found(merchant: Merchant) -> None:
    response = merchant.get("AAAAAAAAAAAAAAAAA")
    assert (response.status_code, issue(response)) == (404, "INVALID_RESOURCE_ID")


def test_capture_before_approval_is_refused(merchant: Merchant) -> None:
    order_id = merchant.create().json()["id"]
    assert issue(merchant.capture(order_id)) == "ORDER_NOT_APPROVED"


def test_capture_names_payer_shipping_and_fees(merchant: Merchant) -> None:
    order_id = merchant.approved(order_body(invoice_id="G-1"))
    answer = merchant.capture(order_id).json()
    unit = answer["purchase_units"][0]
    capture = unit["payments"]["captures"][0]
    fees = capture["seller_receivable_breakdown"]
    assert answer["payer"]["email_address"] == "buyer@example.com"
    assert unit["shipping"]["address"]["country_code"] == "US"
    assert (capture["custom_id"], capture["invoice_id"]) == ("t-1", "G-1")
    assert fees["paypal_fee"] == usd("1.96")
    assert fees["net_amount"] == usd("40.04")


def test_second_capture_is_refused(merchant: Merchant) -> None:
    order_id = merchant.approved()
    merchant.capture(order_id)
    assert issue(merchant.capture(order_id)) == "ORDER_ALREADY_CAPTURED"


def test_same_request_id_captures_once(merchant: Merchant, paypal: Emulator) -> None:
    order_id = merchant.approved()
    first = merchant.capture(order_id, "once")
    second = merchant.capture(order_id, "once")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert len(paypal.captures()) == 1


def test_captures_at_the_same_moment_take_the_money_once(
    merchant: Merchant, paypal: Emulator
) -> None:
    order_id = merchant.approved()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: merchant.capture(order_id).status_code, range(8)))
    assert sorted(answers) == [201] + [422] * 7
    assert len(paypal.captures()) == 1


def test_books_are_held_by_one_thread_at_a_time(paypal_server: Server) -> None:
    sandbox, entered = paypal_server.sandbox, threading.Event()

    def enter() -> None:
        with sandbox.writing():
            entered.set()

    other = threading.Thread(target=enter)
    with sandbox.writing():
        other.start()
        assert not entered.wait(0.2)
    other.join()
    assert entered.is_set()


def test_repeated_create_answers_with_the_latest_state(merchant: Merchant) -> None:
    headers = {"PayPal-Request-Id": "one-order"}
    order_id = merchant.create(headers=headers).json()["id"]
    merchant.choose(order_id, "pay")
    again = merchant.create(headers=headers).json()
    assert (again["id"], again["status"]) == (order_id, "APPROVED")


def test_request_id_is_forgotten_after_six_hours(merchant: Merchant, paypal: Emulator) -> None:
    headers = {"PayPal-Request-Id": "one-order"}
    first = merchant.create(headers=headers).json()["id"]
    paypal.advance(6 * 3600)
    assert merchant.create(headers=headers).json()["id"] != first


def test_declining_source_is_refused_until_the_payer_chooses_again(merchant: Merchant) -> None:
    order_id = merchant.approved(choice="decline")
    refused = merchant.capture(order_id, "first")
    assert (refused.status_code, issue(refused)) == (422, "INSTRUMENT_DECLINED")
    assert refused.json()["links"][-1]["rel"] == "redirect"
    merchant.choose(order_id, "pay")
    assert issue(merchant.capture(order_id, "first")) == "INSTRUMENT_DECLINED"
    assert merchant.capture(order_id, "second").status_code == 201


def test_too_many_refused_captures_end_the_order(merchant: Merchant) -> None:
    order_id = merchant.approved(choice="decline")
    for _ in range(10):
        assert issue(merchant.capture(order_id)) == "INSTRUMENT_DECLINED"
    assert issue(merchant.capture(order_id)) == "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED"


def test_invoice_id_may_be_used_again_until_it_is_captured(merchant: Merchant) -> None:
    body = order_body(invoice_id="G-7")
    first, second = merchant.approved(body), merchant.approved(body)
    assert merchant.capture(first).status_code == 201
    assert issue(merchant.capture(second)) == "DUPLICATE_INVOICE_ID"
    assert issue(merchant.create(body)) == "DUPLICATE_INVOICE_ID"


def test_approved_order_expires_three_hours_later(merchant: Merchant, paypal: Emulator) -> None:
    order_id = merchant.approved()
    paypal.advance(3 * 3600 - 60)
    assert merchant.get(order_id).json()["status"] == "APPROVED"
    paypal.advance(60)
    assert issue(merchant.capture(order_id)) == "ORDER_EXPIRED"


def test_order_that_nobody_captured_is_forgotten(merchant: Merchant, paypal: Emulator) -> None:
    lost, paid = merchant.approved(), merchant.approved()
    merchant.capture(paid)
    paypal.advance(6 * 3600)
    assert merchant.get(lost).status_code == 404
    assert merchant.get(paid).json()["status"] == "COMPLETED"
