"""The emulator's control API and its journal."""

from typing import Any

import pytest
import requests

from devtools.paypal.client import Emulator
from tests.devtools.paypal_merchant import Merchant, order_body, usd


def test_orders_are_listed_as_paypal_shows_them(merchant: Merchant, paypal: Emulator) -> None:
    order_id = merchant.approved()
    assert paypal.orders() == [merchant.get(order_id).json()]


def test_captures_are_listed_in_short(merchant: Merchant, paypal: Emulator) -> None:
    capture_id = merchant.captured(order_body(invoice_id="G-2"))
    [order] = paypal.orders()
    [capture] = paypal.captures()
    assert capture.pop("create_time").endswith("Z")
    assert capture == {
        "id": capture_id,
        "order_id": order["id"],
        "status": "COMPLETED",
        "amount": usd("42.00"),
        "custom_id": "t-1",
        "invoice_id": "G-2",
    }


def test_journal_shows_requests_without_credentials(merchant: Merchant, paypal: Emulator) -> None:
    body = order_body()
    merchant.create(body, headers={"PayPal-Request-Id": "r-1"})
    token, create = paypal.requests()
    assert (token["path"], token["body"]) == ("/v1/oauth2/token", "grant_type=client_credentials")
    assert (create["method"], create["path"]) == ("POST", "/v2/checkout/orders")
    assert (create["status"], create["body"]) == (200, body)
    assert create["headers"]["Paypal-Request-Id"] == "r-1"
    assert "Authorization" not in token["headers"].keys() | create["headers"].keys()


def test_reset_forgets_the_business_and_keeps_the_tokens(
    merchant: Merchant, paypal: Emulator
) -> None:
    merchant.captured()
    paypal.advance(3600)
    paypal.fault("create", "http_500")
    paypal.reset()
    assert (paypal.orders(), paypal.captures(), paypal.requests()) == ([], [], [])
    assert merchant.create().status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/clock", {"advance_seconds": -1}, '"advance_seconds" must be a number from 0'),
        ("/clock", [], "Send a JSON object."),
        ("/webhooks", {"mode": "pigeon"}, '"mode" must be one of bad_signature,'),
        ("/webhooks", {"mode": "delay", "delay_ms": "long"}, '"delay_ms" must be a whole number'),
        ("/reviews", {"capture": "X", "outcome": "maybe"}, '"outcome" must be one of'),
        ("/reviews", {"capture": "X", "outcome": "denied"}, '"X" is not under review.'),
        ("/faults", {"route": "get", "kind": "latency", "count": 0}, '"count" must be a whole'),
        ("/events", {"event_type": "A.B", "resource": 1}, '"resource" must be a JSON object.'),
        ("/disputes", {"capture": "X"}, '"X" is no capture.'),
    ],
)
def test_wrong_control_is_answered_with_a_sentence(
    paypal: Emulator, path: str, body: Any, sentence: str
) -> None:
    response = requests.post(f"{paypal.base_url}/emulator{path}", json=body, timeout=10)
    assert response.status_code == 400
    assert response.json()["error"].startswith(sentence)
