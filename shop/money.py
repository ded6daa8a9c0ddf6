"""Money as people read it. Everywhere else it is a Decimal beside its currency."""

from decimal import Decimal
from functools import lru_cache

from babel.numbers import format_currency
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext as _

from payments.money import smallest_coin


def format_money(amount: Decimal, currency: str | None = None) -> str:
    """Write the amount in the present language; without a currency, in the shop's own."""
    return _write(amount, currency or settings.SHOP_CURRENCY, get_language() or "en")


@lru_cache(maxsize=10_000)  # a page writes few different amounts, and Babel is slow at each
def _write(amount: Decimal, currency: str, language: str) -> str:
    return format_currency(amount, currency, locale=to_locale(language))


def validate_coins(amount: Decimal) -> None:
    """Refuse a fraction that the shop's currency has no coin for: PayPal could not take it."""
    if amount % smallest_coin(settings.SHOP_CURRENCY):
        raise ValidationError(
            _("Use a whole number: %(currency)s has nothing smaller.")
            % {"currency": settings.SHOP_CURRENCY}
        )
