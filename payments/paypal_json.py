"""PayPal's JSON: our purchases in its words, its answers in ours.

An answer is believed only as far as it can be understood and kept; any other is Unanswered.
"""

import json
from datetime import datetime
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
    RemoteTransaction,
    Unanswered,
    Unknown,
)
from payments.money import to_paypal

_LONGEST_ISSUE = 60
_TOO_MUCH = Decimal(10) ** 10
_UNUSUAL = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
# https://developer.paypal.com/docs/reports/reference/tcodes/
_SALE, _GONE_BACK = "T00", "T11"
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
    if remote.id not in (remote.approve_url or remote.id):
        raise Unanswered("PayPal's answer leads to another order.")
    return remote


def read_order(answer: Any) -> RemoteOrder:
    """Read an order as PayPal has it."""
    try:
        (unit,) = answer.get("purchase_units") or [{}]
        payments = unit.get("payments") or {}
        amount = unit.get("amount") or {}
        value = amount.get("value")
        return RemoteOrder(
            id=_text(answer["id"], 40),
            status=_text(answer["status"], 40),
            transaction_id=_text(unit.get("custom_id", ""), 255),
            amount=_amount(value) if value is not None else None,
            currency=_text(amount.get("currency_code", ""), 3),
            approve_url=_approve_url(answer.get("links") or []),
            captures=tuple(map(_capture, payments.get("captures") or [])),
            refunds=tuple(map(_refund, payments.get("refunds") or [])),
        )
    except _UNUSUAL as error:
        raise Unanswered("PayPal's order is not in its usual shape.") from error


def read_capture(capture_id: str, answer: Any) -> RemoteCapture:
    """Read the answer to a question about this very capture."""
    try:
        remote = _capture(answer)
    except _UNUSUAL as error:
        raise Unanswered("PayPal's capture is not in its usual shape.") from error
    if remote.id != capture_id:
        raise Unanswered("PayPal's answer is about another capture.")
    return remote


def read_refund(answer: Any) -> RemoteRefund:
    """Read a refund as PayPal has it."""
    try:
        return _refund(answer)
    except _UNUSUAL as error:
        raise Unanswered("PayPal's refund is not in its usual shape.") from error


def read_refund_asked_for(refund_id: str, answer: Any) -> RemoteRefund:
    """Read the answer to a question about this very refund."""
    remote = read_refund(answer)
    if remote.id != refund_id:
        raise Unanswered("PayPal's answer is about another refund.")
    return remote


def read_transactions(answer: Any) -> tuple[list[RemoteTransaction], int]:
    """Read one page of PayPal's books: payments and what went back of them, and how many pages."""
    try:
        found = [row["transaction_info"] for row in answer.get("transaction_details") or []]
        money = [_transaction(info) for info in found if _is_of_a_sale(info)]
        return money, int(answer.get("total_pages", 1))
    except _UNUSUAL as error:
        raise Unanswered("PayPal's transactions are not in their usual shape.") from error


def capture_id_in(links: Any) -> str:
    """Return the capture that a refund's links lead up to; empty without one."""
    try:
        up = next(link["href"] for link in links if link["rel"] == "up")
        return _text(urlsplit(up).path.rpartition("/")[2], 40)
    except (StopIteration, *_UNUSUAL):
        return ""


def _capture(found: Any) -> RemoteCapture:
    return RemoteCapture(
        id=_text(found["id"], 40),
        status=_text(found["status"], 20),
        amount=_amount(found["amount"]["value"]),
        currency=_text(found["amount"]["currency_code"], 3),
    )


def _refund(found: Any) -> RemoteRefund:
    return RemoteRefund(
        id=_text(found["id"], 40),
        status=_text(found["status"], 20),
        amount=_amount(found["amount"]["value"]),
        currency=_text(found["amount"]["currency_code"], 3),
        capture_id=capture_id_in(found.get("links") or []),
        request_id=_word(found.get("custom_id"), 127),
    )


def _is_of_a_sale(info: Any) -> bool:
    """Tell sales, and what went back of them, from withdrawals, fees and what did not happen."""
    code = info["transaction_event_code"]
    return code[:3] in {_SALE, _GONE_BACK} and info["transaction_status"] in {"S", "V"}


def _transaction(info: Any) -> RemoteTransaction:
    is_refund = info["transaction_event_code"].startswith(_GONE_BACK)
    fee = info.get("fee_amount") or {"value": "0"}
    return RemoteTransaction(
        id=_text(info["transaction_id"], 40),
        at=datetime.fromisoformat(info["transaction_initiation_date"]),
        is_refund=is_refund,
        amount=_amount(info["transaction_amount"]["value"]),
        currency=_text(info["transaction_amount"]["currency_code"], 3),
        fee=_amount(fee["value"]),
        transaction_id=_text(info.get("custom_field", ""), 127),
        capture_id=_text(info.get("paypal_reference_id", ""), 40) if is_refund else "",
    )


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
