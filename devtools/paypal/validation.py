"""What PayPal refuses about a request: its form first (400), then its sums (422)."""

import json
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from devtools.paypal.errors import PayPalError, detail, invalid_request
from devtools.paypal.money import (
    CURRENCIES,
    LARGEST,
    WITHOUT_DECIMALS,
    has_too_many_decimals,
)
from devtools.paypal.records import JSON

_SCHEMAS = Path(__file__).parent / "schemas"

_ISSUE_OF_KEYWORD = {
    "required": "MISSING_REQUIRED_PARAMETER",
    "minLength": "INVALID_STRING_LENGTH",
    "maxLength": "INVALID_STRING_LENGTH",
    "minItems": "INVALID_ARRAY_MIN_ITEMS",
    "maxItems": "INVALID_ARRAY_MAX_ITEMS",
    "enum": "INVALID_PARAMETER_VALUE",
}

_ADDED = ("item_total", "tax_total", "shipping", "handling", "insurance")
_TAKEN_OFF = ("shipping_discount", "discount")


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((_SCHEMAS / f"{name}.json").read_text("utf-8")))


def require_form(name: str, body: Any) -> None:
    """Refuse a body that does not follow the named schema, listing every fault in it."""
    faults = [_fault(error) for error in _validator(name).iter_errors(body)]
    if faults:
        raise PayPalError(400, faults)


def _fault(error: ValidationError) -> JSON:
    keyword = str(error.validator)
    path = [str(part) for part in error.absolute_path]
    if keyword == "required" and isinstance(error.instance, dict):
        path.append(_missing_name(error.message))
    issue = _ISSUE_OF_KEYWORD.get(keyword, "INVALID_PARAMETER_SYNTAX")
    value = error.instance if isinstance(error.instance, str) else None
    return detail(issue, "/" + "/".join(path), value)


def _missing_name(message: str) -> str:
    """Return the name in jsonschema's "'intent' is a required property"."""
    return message.split("'")[1]


def require_order_request(body: Any) -> None:
    """Refuse a create-order request that PayPal would refuse."""
    require_form("order_request", body)
    if len(body["purchase_units"]) > 1:
        raise invalid_request("NOT_SUPPORTED", "/purchase_units/1")
    if body["intent"] != "CAPTURE":
        raise invalid_request("NOT_SUPPORTED", "/intent", body["intent"])
    unsupported = sorted(set(body.get("payment_source") or {}) - {"paypal"})
    if unsupported:
        raise invalid_request("NOT_SUPPORTED", f"/payment_source/{unsupported[0]}")
    faults = list(_faults_in_sums(body["purchase_units"][0]))
    if faults:
        raise PayPalError(422, faults)


def _faults_in_sums(unit: JSON) -> Iterator[JSON]:
    """Name what is wrong with the amounts; the totals only once each amount is sound."""
    here = "/purchase_units/0"
    wrong = [*_faults_in_amounts(unit, here)]
    yield from wrong or _faults_in_totals(unit, here)


def _faults_in_amounts(unit: JSON, here: str) -> Iterator[JSON]:
    amount = unit["amount"]
    currency = amount["currency_code"]
    yield from faults_in_money(amount, f"{here}/amount", may_be_zero=False)
    for field, part in _parts(unit, here):
        yield from faults_in_money(part, field, may_be_zero=True)
        if part["currency_code"] != currency:
            yield detail("MULTI_CURRENCY_ORDER", f"{field}/currency_code", part["currency_code"])


def _parts(unit: JSON, here: str) -> Iterator[tuple[str, JSON]]:
    for name, part in unit["amount"].get("breakdown", {}).items():
        yield f"{here}/amount/breakdown/{name}", part
    for index, item in enumerate(unit.get("items", [])):
        yield f"{here}/items/{index}/unit_amount", item["unit_amount"]
        if "tax" in item:
            yield f"{here}/items/{index}/tax", item["tax"]


def faults_in_money(amount: JSON, field: str, *, may_be_zero: bool) -> Iterator[JSON]:
    """Name what is wrong with one amount by itself."""
    currency, value = amount["currency_code"], Decimal(amount["value"])
    if currency not in CURRENCIES:
        yield detail("INVALID_CURRENCY_CODE", f"{field}/currency_code", currency)
        return
    if value < 0 and may_be_zero:
        yield detail("CANNOT_BE_NEGATIVE", f"{field}/value", value)
    elif value <= 0 and not may_be_zero:
        yield detail("CANNOT_BE_ZERO_OR_NEGATIVE", f"{field}/value", value)
    if value > LARGEST:
        yield detail("MAX_VALUE_EXCEEDED", f"{field}/value", value)
    elif has_too_many_decimals(amount):
        issue = "DECIMALS_NOT_SUPPORTED" if currency in WITHOUT_DECIMALS else "DECIMAL_PRECISION"
        yield detail(issue, f"{field}/value", value)


def _faults_in_totals(unit: JSON, here: str) -> Iterator[JSON]:
    breakdown = unit["amount"].get("breakdown", {})
    items = unit.get("items", [])
    at = f"{here}/amount/breakdown"
    if items:
        yield from _fault_in_total(breakdown, "item_total", _sum(items, "unit_amount"), at)
    if any("tax" in item for item in items):
        yield from _fault_in_total(breakdown, "tax_total", _sum(items, "tax"), at)
    if breakdown:
        total = sum((_value(breakdown, name) for name in _ADDED), Decimal(0))
        total -= sum((_value(breakdown, name) for name in _TAKEN_OFF), Decimal(0))
        if total != Decimal(unit["amount"]["value"]):
            yield detail("AMOUNT_MISMATCH", f"{here}/amount/value", unit["amount"]["value"])


def _fault_in_total(breakdown: JSON, name: str, total: Decimal, at: str) -> Iterator[JSON]:
    if name not in breakdown:
        yield detail(f"{name.upper()}_REQUIRED", f"{at}/{name}")
    elif _value(breakdown, name) != total:
        yield detail(f"{name.upper()}_MISMATCH", f"{at}/{name}/value", breakdown[name]["value"])


def _sum(items: list[JSON], part: str) -> Decimal:
    return sum(
        (int(item["quantity"]) * _value(item, part) for item in items),
        Decimal(0),
    )


def _value(parent: JSON, name: str) -> Decimal:
    return Decimal(parent[name]["value"]) if name in parent else Decimal(0)
