"""PayPal, through its official SDK: the only module that speaks to it.

The SDK sends the requests and keeps the token; what comes back is read from the raw text, by
`payments.paypal_json`. A call waits for one of a few places and without a database connection.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import requests
from apimatic_core.exceptions.auth_validation_exception import AuthValidationException
from apimatic_core.utilities import api_helper
from django.conf import settings
from paypalserversdk.configuration import Configuration, Environment
from paypalserversdk.exceptions.api_exception import ApiException
from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient

from payments.breaker import Breaker
from payments.calls import let_connection_go, traced
from payments.gateway import (
    Purchase,
    Refused,
    RemoteCapture,
    RemoteOrder,
    RemoteRefund,
    RemoteTransaction,
    Unanswered,
)
from payments.paypal_http import BoundedClient
from payments.paypal_json import (
    parse,
    read_capture,
    read_error,
    read_opened_order,
    read_order_asked_for,
    read_refund,
    read_refund_asked_for,
    read_transactions,
    write_money,
    write_order,
)

# Seconds to connect, and to be answered.
TIMEOUT = (3.0, 15.0)

_LARGEST_PAGE = 500

Answer = TypeVar("Answer")


class _PlainJson:
    """Stands in for jsonpickle in the SDK: jsonpickle runs code that an answer names."""

    @staticmethod
    def decode(text: str) -> Any:
        try:
            return json.loads(text)
        except RecursionError as error:
            raise ValueError("Nested too deep.") from error

    @staticmethod
    def encode(value: Any, _unpicklable: bool) -> str:
        return json.dumps(value)


api_helper.jsonpickle = _PlainJson


class _ShopConfiguration(Configuration):  # type: ignore[misc]
    """The SDK's configuration, pointed at the address that the settings have checked."""

    def get_base_uri(self, *_: Any) -> str:
        return settings.PAYPAL_BASE_URL

    def create_http_client(self) -> BoundedClient:
        return BoundedClient(TIMEOUT)


class PayPal:
    """The gateway. One for each process (`gateway()`); its threads may share it."""

    def __init__(self) -> None:
        self._breaker = Breaker(settings.PAYPAL_CALLS)
        self._sdk = PaypalServersdkClient(
            config=_ShopConfiguration(
                environment=Environment.PRODUCTION
                if settings.PAYPAL_ENVIRONMENT == "live"
                else Environment.SANDBOX,
                client_credentials_auth_credentials=ClientCredentialsAuthCredentials(
                    o_auth_client_id=settings.PAYPAL_CLIENT_ID,
                    o_auth_client_secret=settings.PAYPAL_CLIENT_SECRET,
                ),
            )
        )

    def create_order(self, purchase: Purchase, *, request_id: UUID) -> RemoteOrder:
        """Open an order at PayPal; the same request id finds the one already opened.

        A sum that the currency does not have is refused here, in PayPal's own word for it.
        """
        try:
            body = write_order(purchase)
        except ValueError as error:
            raise Refused("DECIMAL_PRECISION") from error
        return self._call(
            self._sdk.orders.create_order,
            read=partial(read_opened_order, purchase),
            about=str(purchase.transaction_id),
            request_id=request_id,
            body=body,
        )

    def get_order(self, order_id: str) -> RemoteOrder:
        """Read PayPal's order."""
        return self._call(
            self._sdk.orders.get_order,
            read=partial(read_order_asked_for, order_id),
            about=order_id,
            id=order_id,
        )

    def capture_order(self, order_id: str, *, request_id: UUID) -> RemoteOrder:
        """Take the money; repeated with the same request id, PayPal takes it once."""
        return self._call(
            self._sdk.orders.capture_order,
            read=partial(read_order_asked_for, order_id),
            about=order_id,
            request_id=request_id,
            id=order_id,
            body={},
        )

    def refund_capture(
        self, capture_id: str, *, amount: Decimal, currency: str, request_id: UUID
    ) -> RemoteRefund:
        """Give money back; repeated with the same request id, PayPal gives it once."""
        return self._call(
            self._sdk.payments.refund_captured_payment,
            read=read_refund,
            about=capture_id,
            request_id=request_id,
            capture_id=capture_id,
            body={"amount": write_money(amount, currency), "custom_id": str(request_id)},
        )

    def get_capture(self, capture_id: str) -> RemoteCapture:
        """Read PayPal's capture."""
        return self._call(
            self._sdk.payments.get_captured_payment,
            read=partial(read_capture, capture_id),
            about=capture_id,
            capture_id=capture_id,
        )

    def get_refund(self, refund_id: str) -> RemoteRefund:
        """Read PayPal's refund."""
        return self._call(
            self._sdk.payments.get_refund,
            read=partial(read_refund_asked_for, refund_id),
            about=refund_id,
            refund_id=refund_id,
        )

    def list_transactions(self, start: datetime, end: datetime) -> Iterator[RemoteTransaction]:
        """Read PayPal's own books, page by page; it tells a transaction hours late."""
        page, pages = 1, 1
        while page <= pages:
            found, pages = self._call(
                self._sdk.transaction_search.search_transactions,
                read=read_transactions,
                about=start.date().isoformat(),
                start_date=start.isoformat(timespec="seconds"),
                end_date=end.isoformat(timespec="seconds"),
                fields="transaction_info",
                page_size=_LARGEST_PAGE,
                page=page,
            )
            yield from found
            page += 1

    def _call(
        self,
        operation: Callable[..., Any],
        *,
        read: Callable[[Any], Answer],
        about: str,
        request_id: UUID | None = None,
        **options: Any,
    ) -> Answer:
        """Call the SDK and read the answer's JSON. Raises GatewayError."""
        if request_id is not None:
            options |= {"paypal_request_id": str(request_id), "prefer": "return=representation"}
        let_connection_go()
        with (
            traced(operation.__name__, about=about, request_id=request_id),
            self._breaker.admit(),
        ):
            return read(self._ask(operation, options))

    def _ask(self, operation: Callable[..., Any], options: Mapping[str, Any]) -> Any:
        """Return the answer's JSON; a token refused once is renewed once."""
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
