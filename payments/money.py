"""Amounts as PayPal writes them. Everywhere else money is a Decimal beside its currency."""

from decimal import Decimal

# https://developer.paypal.com/api/rest/reference/currency-codes/
CURRENCIES = frozenset(
    {"AUD", "BRL", "CAD", "CNY", "CZK", "DKK", "EUR", "HKD", "HUF", "ILS", "JPY", "MYR", "MXN"}
    | {"TWD", "NZD", "NOK", "PHP", "PLN", "GBP", "SGD", "SEK", "CHF", "THB", "USD"}
)
_WITHOUT_DECIMALS = frozenset({"HUF", "JPY", "TWD"})


def smallest_coin(currency: str) -> Decimal:
    """Return what every amount in the currency is a multiple of."""
    return Decimal(1) if currency in _WITHOUT_DECIMALS else Decimal("0.01")


def to_paypal(amount: Decimal, currency: str) -> str:
    """Write the amount with the currency's decimals; raise ValueError if that would round it."""
    written = amount.quantize(smallest_coin(currency))
    if written != amount:
        raise ValueError(f"{amount} {currency} has more decimals than PayPal takes.")
    return str(written)
