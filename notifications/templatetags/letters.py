"""How emails write money and countries: in the language of the email."""

from decimal import Decimal

from babel import Locale
from babel.numbers import format_currency
from django import template
from django.utils.translation import get_language

register = template.Library()


@register.filter
def money(amount: str, currency: str) -> str:
    """Write an amount such as "42.00" as the reader's language writes that currency."""
    return format_currency(Decimal(amount), currency, locale=get_language() or "en")


@register.filter
def country(code: str) -> str:
    """Write a country's name instead of its code."""
    return str(Locale.parse(get_language() or "en").territories.get(code, code))


@register.filter
def visible(text: str) -> str:
    """Shorten a name that nobody has to one that a letter can carry, on one line."""
    plain = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return plain if len(plain) <= 60 else f"{plain[:59]}…"
