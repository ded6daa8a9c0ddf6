"""A merchant's program: it speaks to the emulator over HTTP and checks every answer's form."""

import uuid
from typing import Any

import requests

from tests.devtools.paypal_openapi import require_valid_answer, require_valid_request

JSON = dict[str, Any]
PATIENCE_SECONDS = 10


def usd(value: str) -> JSON:
    return {"currency_code": "USD", "value": value}


def order_body(**unit: Any) -> JSON:
    """Return a create-order request for $42.00, with parts of its purchase unit replaced."""
    amount = usd("42.00") | {"breakdown": {"item_total": usd("38.00"), "shipping": usd("4.00")}}
    items = [{"name": "Bát Tràng bowl", "quantity": "2", "unit_amount": usd("19.00")}]
    context = {
        "return_url": "http://127.0.0.1:9/return?a=1",
        "cancel_url": "http://127.0.0.1:9/cancel",
        "locale": "en-US",
        "brand_name": "Gánh",
        "user_action": "PAY_NOW",
    }
    return {
        "intent": "CAPTURE",
        "purchase_units": [{"amount": amount, "items": items, "custom_id": "t-1", **unit}],
        "payment_source": {"paypal": {"experience_context": context}},
    }


class Merchant:
    """Call PayPal's API as a shop does."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.token = self.ask_for_token().json()["access_token"]

    def ask_for_token(self, client_id: str = "shop", secret: str = "secret") -> requests.Response:
        url = f"{self.base_url}/v1/oauth2/token"
        form = {"grant_type": "client_credentials"}
        return requests.post(url, form, auth=(client_id, secret), timeout=PATIENCE_SECONDS)

    def create(self, body: JSON | None = None, **options: Any) -> requests.Response:
        headers = {"PayPal-Request-Id": uuid.uuid4().hex} | options.pop("headers", {})
        return self.call("POST", "/v2/checkout/orders", body or order_body(), headers, **options)

    def approved(self, body: JSON | None = None, choice: str = "pay") -> str:
        """Create an order, let the payer approve it, and return its id."""
        order_id = str(self.create(body).json()["id"])
        self.choose(order_id, choice)
        return order_id

    def captured(self, body: JSON | None = None) -> str:
        """Take an order all the way and return its capture's id."""
        answer = self.capture(self.approved(body)).json()
        return str(answer["purchase_units"][0]["payments"]["captures"][0]["id"])

    def choose(self, order_id: str, choice: str) -> requests.Response:
        url = f"{self.base_url}/checkoutnow/{choice}"
        form = {"token": order_id}
        return requests.post(url, form, allow_redirects=False, timeout=PATIENCE_SECONDS)

    def page(self, order_id: str) -> requests.Response:
        url = f"{self.base_url}/checkoutnow"
        return requests.get(url, {"token": order_id}, timeout=PATIENCE_SECONDS)

    def get(self, order_id: str) -> requests.Response:
        return self.call("GET", f"/v2/checkout/orders/{order_id}")

    def capture(self, order_id: str, request_id: str = "", **options: Any) -> requests.Response:
        headers = {"PayPal-Request-Id": request_id or uuid.uuid4().hex}
        return self.call("POST", f"/v2/checkout/orders/{order_id}/capture", {}, headers, **options)

    def get_capture(self, capture_id: str) -> requests.Response:
        return self.call("GET", f"/v2/payments/captures/{capture_id}")

    def refund(
        self, capture_id: str, value: str | None = None, request_id: str = ""
    ) -> requests.Response:
        headers = {"PayPal-Request-Id": request_id or uuid.uuid4().hex}
        body = {"amount": usd(value)} if value else {}
        return self.call("POST", f"/v2/payments/captures/{capture_id}/refund", body, headers)

    def call(
        self,
        method: str,
        path: str,
        body: JSON | None = None,
        headers: JSON | None = None,
        *,
        is_sound: bool = True,
        timeout: float = PATIENCE_SECONDS,
    ) -> requests.Response:
        """Call the API; with `is_sound`, the answer must follow PayPal's files."""
        url = self.base_url + path
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        response = requests.request(method, url, json=body, headers=sent, timeout=timeout)
        if is_sound and response.content:
            if response.ok and body is not None:
                require_valid_request(method, path, body)
            require_valid_answer(method, path, response.status_code, response.json())
        return response


def issue(response: requests.Response) -> str:
    """Return the first issue that an error answer names."""
    return str(response.json()["details"][0]["issue"])
