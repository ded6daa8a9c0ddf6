"""Amounts as PayPal reads and writes them."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

# fmt: off
CURRENCIES = frozenset({
    "AUD", "BRL", "CAD", "CNY", "CZK", "DKK", "EUR", "HKD", "HUF", "ILS", "JPY", "MYR",
    "MXN", "TWD", "NZD", "NOK", "PHP", "PLN", "GBP", "SGD", "SEK", "CHF", "THB", "USD",
})
# fmt: on
WITHOUT_DECIMALS = frozenset({"HUF", "JPY", "TWD"})
LARGEST = Decimal("9999999.99")

Money = dict[str, str]


def decimals(currency: str) -> int:
    return 0 if currency in WITHOUT_DECIMALS else 2


def quantum(currency: str) -> Decimal:
    """Return the smallest unit of a currency: 0.01, or 1 where it has no decimals."""
    return Decimal(1).scaleb(-decimals(currency))


def money(currency: str, value: Decimal | str) -> Money:
    """Write an amount with exactly the decimals of its currency."""
    rounded = Decimal(value).quantize(quantum(currency), rounding=ROUND_HALF_UP)
    return {"currency_code": currency, "value": str(rounded)}


def has_too_many_decimals(amount: dict[str, Any]) -> bool:
    """Say whether an amount is finer than its currency's smallest unit."""
    value = Decimal(amount["value"])
    return value != value.quantize(quantum(amount["currency_code"]), rounding=ROUND_HALF_UP)


def fee(currency: str, gross: Decimal) -> Decimal:
    """Return what PayPal keeps: 3.49 % and 49 smallest units, never more than there is."""
    exact = gross * Decimal("0.0349") + 49 * quantum(currency)
    return min(exact.quantize(quantum(currency), rounding=ROUND_HALF_UP), gross)
