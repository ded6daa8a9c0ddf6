"""PayPal, through its official SDK: the only module that speaks to it.

The SDK builds the requests and keeps the token; what comes back is read here, from the raw text.
"""

import json
import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import requests
from apimatic_core.exceptions.auth_validation_exception import AuthValidationException
from apimatic_core.utilities import api_helper
from django.conf import settings
from paypalserversdk.configuration import Configuration, Environment
from paypalserversdk.exceptions.api_exception import ApiException
from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient

from payments.gateway import (
    Purchase,
    Refused,
    RemoteCapture,
    RemoteOrder,
    RemoteRefund,
    Unanswered,
    Unknown,
)
from payments.money import to_paypal

# Seconds to connect, and to wait for each part of an answer.
TIMEOUT = (3, 15)
_LONGEST_ISSUE = 60
_TOO_MUCH = Decimal(10) ** 10
_LOCALES = {"vi": "vi-VN", "en": "en-US"}
# 4xx answers that say "not now" rather than "no".
_NOT_NOW = {"PREVIOUS_REQUEST_IN_PROGRESS", "ORDER_COMPLETION_IN_PROGRESS"}


class _PlainJson:
    """Stands in for jsonpickle in the SDK: jsonpickle runs code that an answer names."""

    @staticmethod
    def decode(text: str) -> Any:
        return json.loads(text)

    @staticmethod
    def encode(value: Any, _unpicklable: bool) -> str:
        return json.dumps(value)


api_helper.jsonpickle = _PlainJson


class _ShopConfiguration(Configuration):  # type: ignore[misc]
    """The SDK's configuration, pointed at the address that the settings have checked."""

    def get_base_uri(self, *_: Any) -> str:
        return settings.PAYPAL_BASE_URL


class PayPal:
    """The gateway. One for each process (`gateway()`); its threads may share it."""

    def __init__(self) -> None:
        self._sdk = PaypalServersdkClient(
            config=_ShopConfiguration(
                environment=Environment.PRODUCTION
                if settings.PAYPAL_ENVIRONMENT == "live"
                else Environment.SANDBOX,
                timeout=TIMEOUT,
                max_retries=0,
                client_credentials_auth_credentials=ClientCredentialsAuthCredentials(
                    o_auth_client_id=settings.PAYPAL_CLIENT_ID,
                    o_auth_client_secret=settings.PAYPAL_CLIENT_SECRET,
                ),
            )
        )

    def create_order(self, purchase: Purchase, *, request_id: UUID) -> RemoteOrder:
        """Open an order at PayPal; the same request id finds the one already opened."""
        return _read_order(
            self._call(
                self._sdk.orders.create_order, request_id=request_id, body=_write_order(purchase)
            )
        )

    def get_order(self, order_id: str) -> RemoteOrder:
        """Read PayPal's order."""
        return _about(order_id, self._call(self._sdk.orders.get_order, id=order_id))

    def capture_order(self, order_id: str, *, request_id: UUID) -> RemoteOrder:
        """Take the money; repeated with the same request id, PayPal takes it once."""
        return _about(
            order_id,
            self._call(self._sdk.orders.capture_order, request_id=request_id, id=order_id, body={}),
        )

    def refund_capture(
        self, capture_id: str, *, amount: Decimal, currency: str, request_id: UUID
    ) -> RemoteRefund:
        """Give money back; repeated with the same request id, PayPal gives it once."""
        answer = self._call(
            self._sdk.payments.refund_captured_payment,
            request_id=request_id,
            capture_id=capture_id,
            body={"amount": {"currency_code": currency, "value": to_paypal(amount, currency)}},
        )
        try:
            return RemoteRefund(id=_text(answer["id"], 40), status=_text(answer["status"], 20))
        except (KeyError, ValueError) as error:
            raise Unanswered("PayPal's refund is not in its usual shape.") from error

    def _call(
        self, operation: Callable[..., Any], *, request_id: UUID | None = None, **options: Any
    ) -> Any:
        """Call the SDK and return the answer's JSON; a token refused once is renewed once."""
        if request_id is not None:
            options |= {"paypal_request_id": str(request_id), "prefer": "return=representation"}
        try:
            return self._answer(operation, options)
        except _TokenRefused:
            self._sdk.oauth_2._o_auth_token = None
        try:
            return self._answer(operation, options)
        except _TokenRefused as error:
            raise Unanswered("PayPal accepts neither the old token nor a new one.") from error

    @staticmethod
    def _answer(operation: Callable[..., Any], options: Mapping[str, Any]) -> Any:
        try:
            response = operation(options)
        except ApiException as error:
            raise _understand(error.response_code, error.response.text) from None
        except AuthValidationException as error:
            raise Unanswered("PayPal gave no token: it is away, or the client id is.") from error
        except requests.RequestException as error:
            raise Unanswered(f"PayPal did not answer ({type(error).__name__}).") from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Unanswered("PayPal's answer is not in its usual shape.") from error
        return _parse(response.text)


class _TokenRefused(Exception):
    """401: the token has ended before its time."""


def _parse(text: str) -> Any:
    try:
        parsed = json.loads(text)
    except ValueError as error:
        raise Unanswered("PayPal's answer was cut off or is no JSON.") from error
    if not isinstance(parsed, dict):
        raise Unanswered("PayPal's answer is not an object.")
    return parsed


def _understand(status: int, text: str) -> Exception:
    """Turn an answer that is no success into one of our few errors."""
    if status == 401:
        return _TokenRefused()
    if status >= 500 or status in {408, 425, 429}:
        return Unanswered(f"PayPal answered {status}.")
    try:
        body = _parse(text)
    except Unanswered as error:
        return error
    issue = _issue(body) or f"HTTP_{status}"
    if issue in _NOT_NOW:
        return Unanswered(f"PayPal answered {issue}.")
    kind = Unknown if status == 404 else Refused
    return kind(issue, str(body.get("debug_id", "")))


def _issue(body: dict[str, Any]) -> str:
    """Return PayPal's word for what is wrong, cut to what we keep of it; empty without one."""
    try:
        found = body["details"][0]["issue"]
    except (LookupError, TypeError):
        found = body.get("name")
    return found[:_LONGEST_ISSUE] if isinstance(found, str) else ""


def _write_order(purchase: Purchase) -> dict[str, Any]:
    def money(amount: Decimal) -> dict[str, str]:
        value = to_paypal(amount, purchase.currency)
        return {"currency_code": purchase.currency, "value": value}

    items_total = sum((item.unit_price * item.quantity for item in purchase.items), Decimal(0))
    unit = {
        "reference_id": "default",
        "custom_id": str(purchase.transaction_id),
        "invoice_id": purchase.invoice_id,
        "amount": {
            **money(purchase.total),
            "breakdown": {"item_total": money(items_total), "shipping": money(purchase.delivery)},
        },
        "items": [
            {
                "name": item.name[:127],
                "quantity": str(item.quantity),
                "sku": item.sku,
                "unit_amount": money(item.unit_price),
            }
            for item in purchase.items
        ],
        "shipping": _write_shipping(purchase),
    }
    context = {
        "brand_name": settings.SHOP_NAME,
        "locale": _LOCALES[purchase.locale],
        "user_action": "PAY_NOW",
        "shipping_preference": "SET_PROVIDED_ADDRESS",
        "return_url": purchase.return_url,
        "cancel_url": purchase.cancel_url,
    }
    return {
        "intent": "CAPTURE",
        "purchase_units": [unit],
        "payment_source": {"paypal": {"experience_context": context}},
    }


def _write_shipping(purchase: Purchase) -> dict[str, Any]:
    address = purchase.address
    lines = {
        "address_line_1": address.line1,
        "address_line_2": address.line2,
        "admin_area_2": address.city,
        "postal_code": address.postal_code,
        "country_code": address.country,
    }
    return {
        "name": {"full_name": address.full_name},
        "address": {name: value for name, value in lines.items() if value},
    }


def _about(order_id: str, answer: Any) -> RemoteOrder:
    """Read the answer to a question about this very order."""
    remote = _read_order(answer)
    if remote.id != order_id:
        raise Unanswered("PayPal's answer is about another order.")
    return remote


def _read_order(answer: Any) -> RemoteOrder:
    try:
        (unit,) = answer.get("purchase_units") or [{}]
        amount = unit.get("amount") or {}
        value = amount.get("value")
        return RemoteOrder(
            id=_text(answer["id"], 40),
            status=_text(answer["status"], 40),
            transaction_id=_text(unit.get("custom_id", ""), 255),
            amount=_amount(value) if value is not None else None,
            currency=_text(amount.get("currency_code", ""), 3),
            approve_url=_approve_url(answer.get("links") or []),
            captures=tuple(
                RemoteCapture(
                    id=_text(capture["id"], 40),
                    status=_text(capture["status"], 20),
                    amount=_amount(capture["amount"]["value"]),
                    currency=_text(capture["amount"]["currency_code"], 3),
                )
                for capture in (unit.get("payments") or {}).get("captures") or []
            ),
        )
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unanswered("PayPal's order is not in its usual shape.") from error


def _approve_url(links: list[dict[str, Any]]) -> str:
    for link in links:
        if link["rel"] in {"payer-action", "approve"}:
            return _text(link["href"], 500)
    return ""


def _text(value: Any, longest: int) -> str:
    """Return a text that our rows can hold; raise ValueError for anything else."""
    if not isinstance(value, str) or len(value) > longest or "\0" in value:
        raise ValueError(f"Not a text of at most {longest} characters.")
    return value


def _amount(value: Any) -> Decimal:
    amount = Decimal(_text(value, 32))
    if not (amount.is_finite() and abs(amount) < _TOO_MUCH):
        raise ValueError("Not an amount of money.")
    return amount


_lock = threading.Lock()
_gateway: PayPal | None = None


def gateway() -> PayPal:
    """Return this process's client, built at its first use (so: after gunicorn has forked)."""
    global _gateway
    with _lock:
        if _gateway is None:
            _gateway = PayPal()
        return _gateway
