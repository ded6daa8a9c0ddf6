"""Money as people read it. Everywhere else it is a Decimal beside its currency."""

from decimal import Decimal

from babel.numbers import format_currency
from django.conf import settings
from django.utils.translation import get_language, to_locale


def format_money(amount: Decimal, currency: str | None = None) -> str:
    """Write the amount in the present language; without a currency, in the shop's own."""
    locale = to_locale(get_language() or "en")
    return format_currency(amount, currency or settings.SHOP_CURRENCY, locale=locale)
