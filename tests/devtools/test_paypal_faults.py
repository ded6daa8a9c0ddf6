"""The emulator's faults, met by a client over a real connection."""

import threading
import time

import pytest
import requests

from devtools.paypal.client import ControlRefused, Emulator
from tests.devtools.paypal_merchant import Merchant, issue, order_body, usd

DEADLINE_SECONDS = 20


@pytest.mark.parametrize(
    ("kind", "status", "name"),
    [
        ("http_500", 500, "INTERNAL_SERVER_ERROR"),
        ("http_503", 503, "SERVICE_UNAVAILABLE"),
        ("rate_limit", 429, "RATE_LIMIT_REACHED"),
    ],
)
def test_error_fault_answers_in_paypals_form_without_doing_the_work(
    merchant: Merchant, paypal: Emulator, kind: str, status: int, name: str
) -> None:
    paypal.fault("create", kind)
    response = merchant.create(is_sound=status != 429)
    assert (response.status_code, response.json()["name"]) == (status, name)
    assert response.headers["Paypal-Debug-Id"] == response.json()["debug_id"]
    assert paypal.orders() == []


def test_rate_limit_says_when_to_come_back(merchant: Merchant, paypal: Emulator) -> None:
    paypal.fault("create", "rate_limit")
    assert merchant.create(is_sound=False).headers["Retry-After"] == "1"


def test_gateway_error_is_html(merchant: Merchant, paypal: Emulator) -> None:
    paypal.fault("capture", "html_502")
    response = merchant.capture(merchant.approved(), is_sound=False)
    assert response.status_code == 502
    assert response.headers["Content-Type"].startswith("text/html")


def test_truncated_answer_is_cut_after_the_work(merchant: Merchant, paypal: Emulator) -> None:
    order_id = merchant.approved()
    paypal.fault("capture", "truncated")
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        merchant.capture(order_id)
    assert len(paypal.captures()) == 1


def test_reset_connection_did_no_work(merchant: Merchant, paypal: Emulator) -> None:
    order_id = merchant.approved()
    paypal.fault("capture", "reset")
    with pytest.raises(requests.exceptions.ConnectionError, match="Connection reset by peer"):
        merchant.capture(order_id)
    assert paypal.captures() == []
    assert paypal.requests()[-1]["status"] is None


def test_silence_after_the_work_is_healed_by_the_same_request_id(
    merchant: Merchant, paypal: Emulator
) -> None:
    order_id = merchant.approved()
    paypal.fault("capture", "timeout_after_commit")
    with pytest.raises(requests.exceptions.ReadTimeout):
        merchant.capture(order_id, "lost", timeout=0.2)
    assert merchant.capture(order_id, "lost").status_code == 200
    assert len(paypal.captures()) == 1


def test_same_request_id_waits_for_the_first_to_end(merchant: Merchant, paypal: Emulator) -> None:
    order_id = merchant.approved()
    paypal.fault("capture", "latency", delay_ms=2_000)
    first = threading.Thread(target=merchant.capture, args=(order_id, "twice"))
    first.start()
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not any(it["path"].endswith("/capture") for it in paypal.requests()):
        assert time.monotonic() < deadline
    response = merchant.capture(order_id, "twice", is_sound=False)
    first.join()
    assert (response.status_code, issue(response)) == (409, "PREVIOUS_REQUEST_IN_PROGRESS")


def test_decline_refuses_the_capture_for_good(merchant: Merchant, paypal: Emulator) -> None:
    paypal.fault("capture", "decline")
    response = merchant.capture(merchant.approved())
    assert (response.status_code, issue(response)) == (422, "TRANSACTION_REFUSED")


@pytest.mark.parametrize("name", ["PAYER_CANNOT_PAY", "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING"])
def test_any_issue_can_be_ordered(merchant: Merchant, paypal: Emulator, name: str) -> None:
    paypal.fault("capture", "issue", issue=name)
    assert issue(merchant.capture(merchant.approved())) == name


def test_fault_ends_after_its_count(merchant: Merchant, paypal: Emulator) -> None:
    paypal.fault("get", "http_500", count=2)
    order_id = merchant.create().json()["id"]
    assert [merchant.get(order_id).status_code for _ in range(3)] == [500, 500, 200]


def test_cleared_faults_do_not_come(merchant: Merchant, paypal: Emulator) -> None:
    paypal.fault("create", "http_500", count=9)
    paypal.clear_faults()
    assert merchant.create().status_code == 200


@pytest.mark.parametrize("route", ["token", "certs", "reporting"])
def test_every_route_can_fail(merchant: Merchant, paypal: Emulator, route: str) -> None:
    paths = {
        "token": ("POST", "/v1/oauth2/token"),
        "certs": ("GET", "/v1/notifications/certs/any"),
        "reporting": ("GET", "/v1/reporting/transactions"),
    }
    paypal.fault(route, "http_503")
    assert merchant.call(*paths[route], is_sound=False).status_code == 503


def test_answer_may_be_about_another_sum(merchant: Merchant, paypal: Emulator) -> None:
    body = order_body(amount=usd("42.00"), items=[])
    order_id = merchant.create(body).json()["id"]
    paypal.fault("get", "other_amount")
    paypal.fault("get", "other_currency")
    amounts = [merchant.get(order_id).json()["purchase_units"][0]["amount"] for _ in range(3)]
    assert amounts == [usd("1.00"), {"currency_code": "EUR", "value": "42.00"}, usd("42.00")]


def test_answer_may_be_empty_or_huge(merchant: Merchant, paypal: Emulator) -> None:
    order_id = merchant.create().json()["id"]
    paypal.fault("get", "empty")
    paypal.fault("get", "huge")
    assert merchant.get(order_id).content == b""
    huge = merchant.get(order_id)
    assert len(huge.content) > 20_000_000
    assert huge.json()["id"] == order_id


@pytest.mark.parametrize(
    ("route", "kind", "message"),
    [
        ("nowhere", "latency", '"route" must be one of'),
        ("get", "explode", '"kind" must be one of'),
        ("get", "decline", "fits these routes only: capture, refund"),
        ("capture", "issue", '"issue" must be a text'),
    ],
)
def test_impossible_fault_is_refused_in_a_sentence(
    paypal: Emulator, route: str, kind: str, message: str
) -> None:
    with pytest.raises(ControlRefused, match=message):
        paypal.fault(route, kind)
