"""How emails write money, times, countries and names: in the language of the email."""

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

from babel import Locale
from babel.numbers import format_currency
from django import template
from django.utils import timezone
from django.utils.translation import get_language

register = template.Library()
Filter = TypeVar("Filter", bound=Callable[..., Any])

# What every mail program shows; SVG is shown by hardly any.
_SHOWN_PICTURES = (".png", ".jpg", ".jpeg", ".gif")


_read_at: ContextVar[datetime | None] = ContextVar("read_at", default=None)


@contextmanager
def as_of(at: datetime | None) -> Generator[None]:
    """Write as one would have written then: what was sent is read again as it was."""
    token = _read_at.set(at)
    try:
        yield
    finally:
        _read_at.reset(token)


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language)


def _reader() -> Locale:
    return _locale(get_language() or "en")


def pure(function: Filter) -> Filter:
    """Mark a filter whose answer depends on its arguments and the language alone."""
    function.is_pure = True  # type: ignore[attr-defined]
    return function


@register.filter
@pure
def money(amount: str, currency: str) -> str:
    """Write an amount such as "42.00" as the reader's language writes that currency."""
    return format_currency(Decimal(amount), currency, locale=_reader())


@register.filter
@pure
def country(code: str) -> str:
    """Write a country's name instead of its code."""
    return str(_reader().territories.get(code, code))


@register.filter
def visible(text: str) -> str:
    """Shorten a name that nobody has to one that a letter can carry, on one line."""
    plain = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return plain if len(plain) <= 60 else f"{plain[:59]}…"


@register.filter
def time_of_day(at: str) -> str:
    """Write the time of day of an ISO date and time, alike in every language."""
    return f"{datetime.fromisoformat(at).astimezone(UTC):%H:%M} UTC"


@register.filter
def minutes_left(until: str) -> int:
    """Return how many minutes there are until then, the begun one included; 0 afterwards."""
    left = datetime.fromisoformat(until) - (_read_at.get() or timezone.now())
    return max(0, math.ceil(left.total_seconds() / 60))


@register.filter
@pure
def is_shown_in_emails(picture: str | None) -> bool:
    """Say whether mail programs can show that picture."""
    return bool(picture) and str(picture).lower().endswith(_SHOWN_PICTURES)
