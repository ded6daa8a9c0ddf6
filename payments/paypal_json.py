"""PayPal's JSON: our purchases in its words, its answers in ours.

An answer is believed only as far as it can be understood and kept; any other is Unanswered.
"""

import json
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from payments.gateway import (
    GatewayError,
    InProgress,
    Purchase,
    Refused,
    RemoteCapture,
    RemoteOrder,
    RemoteRefund,
    Unanswered,
    Unknown,
)
from payments.money import to_paypal

_LONGEST_ISSUE = 60
_TOO_MUCH = Decimal(10) ** 10
_LOCALES = {"vi": "vi-VN", "en": "en-US"}
# 4xx answers that say "not now" rather than "no".
_NOT_NOW = {"PREVIOUS_REQUEST_IN_PROGRESS", "ORDER_COMPLETION_IN_PROGRESS"}


def parse(text: str) -> Any:
    """Return the object that an answer's text is."""
    try:
        parsed = json.loads(text)
    except (RecursionError, ValueError) as error:
        raise Unanswered("PayPal's answer was cut off or is no JSON.") from error
    if not isinstance(parsed, dict):
        raise Unanswered("PayPal's answer is not an object.")
    return parsed


def write_money(amount: Decimal, currency: str) -> dict[str, str]:
    """Write a sum; raise ValueError where it would have to be rounded."""
    return {"currency_code": currency, "value": to_paypal(amount, currency)}


def write_order(purchase: Purchase) -> dict[str, Any]:
    """Write the body of a new order; raise ValueError where a sum would have to be rounded."""
    money = partial(write_money, currency=purchase.currency)
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
    source = {"paypal": {"experience_context": _write_context(purchase)}}
    return {"intent": "CAPTURE", "purchase_units": [unit], "payment_source": source}


def _write_context(purchase: Purchase) -> dict[str, str]:
    return {
        "brand_name": settings.SHOP_NAME,
        "locale": _LOCALES[purchase.locale],
        "user_action": "PAY_NOW",
        "shipping_preference": "SET_PROVIDED_ADDRESS",
        "return_url": purchase.return_url,
        "cancel_url": purchase.cancel_url,
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


def read_order_asked_for(order_id: str, answer: Any) -> RemoteOrder:
    """Read the answer to a question about this very order."""
    remote = read_order(answer)
    if remote.id != order_id:
        raise Unanswered("PayPal's answer is about another order.")
    return remote


def read_opened_order(purchase: Purchase, answer: Any) -> RemoteOrder:
    """Read the answer to this very purchase: what it says of it, if anything, must be ours."""
    remote = read_order(answer)
    if remote.transaction_id not in {"", str(purchase.transaction_id)}:
        raise Unanswered("PayPal's answer is about another order.")
    sum_told, ours = (remote.amount, remote.currency), (purchase.total, purchase.currency)
    if remote.amount is not None and sum_told != ours:
        raise Unanswered("PayPal's answer is about another sum.")
    return remote


def read_order(answer: Any) -> RemoteOrder:
    """Read an order as PayPal has it."""
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


def read_refund(answer: Any) -> RemoteRefund:
    """Read a refund as PayPal has it."""
    try:
        return RemoteRefund(id=_text(answer["id"], 40), status=_text(answer["status"], 20))
    except (KeyError, ValueError) as error:
        raise Unanswered("PayPal's refund is not in its usual shape.") from error


def read_error(status: int, text: str) -> GatewayError:
    """Turn an answer that is no success into one of our few errors."""
    if status < 400 or status >= 500 or status in {408, 425, 429}:
        return Unanswered(f"PayPal answered {status}.")
    try:
        body = parse(text)
    except Unanswered as error:
        return error
    issue = _issue(body) or f"HTTP_{status}"
    if issue in _NOT_NOW:
        return InProgress(f"PayPal answered {issue}.")
    kind = Unknown if status == 404 else Refused
    return kind(issue, _word(body.get("debug_id"), 40))


def _issue(body: dict[str, Any]) -> str:
    """Return PayPal's word for what is wrong, cut to what we keep of it; empty without one."""
    try:
        found = body["details"][0]["issue"]
    except (LookupError, TypeError):
        found = body.get("name")
    return _word(found, _LONGEST_ISSUE)


def _word(found: Any, longest: int) -> str:
    return found[:longest] if isinstance(found, str) and found.isprintable() else ""


def _approve_url(links: list[dict[str, Any]]) -> str:
    for link in links:
        if link["rel"] in {"payer-action", "approve"}:
            return _address(link["href"])
    return ""


def _address(value: Any) -> str:
    """Return an address that a browser may be sent to."""
    address = _text(value, 500)
    if urlsplit(address).scheme not in {"http", "https"}:
        raise ValueError("Not the address of a page.")
    return address


def _text(value: Any, longest: int) -> str:
    """Return a text that our rows can hold; raise ValueError for anything else."""
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        raise ValueError(f"Not a text of at most {longest} characters.")
    return value


def _amount(value: Any) -> Decimal:
    amount = Decimal(_text(value, 32))
    if not (amount.is_finite() and abs(amount) < _TOO_MUCH):
        raise ValueError("Not an amount of money.")
    return amount
