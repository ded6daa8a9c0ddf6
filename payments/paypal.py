"""PayPal, through its official SDK: the only module that speaks to it.

The SDK sends the requests and keeps the token; what comes back is read from the raw text, by
`payments.paypal_json`.
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

from payments.gateway import Purchase, RemoteOrder, RemoteRefund, Unanswered
from payments.paypal_json import (
    parse,
    read_error,
    read_order,
    read_order_asked_for,
    read_refund,
    write_money,
    write_order,
)

# Seconds to connect, and to wait for each part of an answer.
TIMEOUT = (3, 15)


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
        body = write_order(purchase)
        return read_order(
            self._call(self._sdk.orders.create_order, request_id=request_id, body=body)
        )

    def get_order(self, order_id: str) -> RemoteOrder:
        """Read PayPal's order."""
        return read_order_asked_for(order_id, self._call(self._sdk.orders.get_order, id=order_id))

    def capture_order(self, order_id: str, *, request_id: UUID) -> RemoteOrder:
        """Take the money; repeated with the same request id, PayPal takes it once."""
        return read_order_asked_for(
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
            body={"amount": write_money(amount, currency)},
        )
        return read_refund(answer)

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
            if error.response_code == requests.codes.unauthorized:
                raise _TokenRefused from None
            raise read_error(error.response_code, error.response.text) from None
        except AuthValidationException as error:
            raise Unanswered("PayPal gave no token: it is away, or the client id is.") from error
        except requests.RequestException as error:
            raise Unanswered(f"PayPal did not answer ({type(error).__name__}).") from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Unanswered("PayPal's answer is not in its usual shape.") from error
        return parse(response.text)


class _TokenRefused(Exception):
    """401: the token has ended before its time."""


_lock = threading.Lock()
_gateway: PayPal | None = None


def gateway() -> PayPal:
    """Return this process's client, built at its first use (so: after gunicorn has forked)."""
    global _gateway
    with _lock:
        if _gateway is None:
            _gateway = PayPal()
        return _gateway
