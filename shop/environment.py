"""Readers for the environment's values: each names the variable in what it refuses.

Used by `shop.settings` alone, which is the only reader of the environment.
"""

import os
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "on", "yes"}
_FALSE = {"0", "false", "off", "no"}


class Environment:
    """The process's variables, with one method for each kind of value."""

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = os.environ if variables is None else variables

    def text(self, name: str, default: str | None = None) -> str:
        """Return the variable; without a default it must be set and not be empty."""
        value = self._variables.get(name, "").strip()
        if value:
            return value
        if default is None:
            raise ImproperlyConfigured(f"{name} is not set. `.env.example` says what it is.")
        return default

    def choice(self, name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        value = self.text(name, default)
        if value not in allowed:
            raise ImproperlyConfigured(
                f"{name} must be one of {', '.join(allowed)}, not {value!r}."
            )
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.text(name, "on" if default else "off").lower()
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
        raise ImproperlyConfigured(f"{name} must be on or off, not {value!r}.")

    def whole(
        self, name: str, default: int, *, at_least: int = 1, at_most: int | None = None
    ) -> int:
        value = self.text(name, str(default))
        try:
            number = int(value)
        except ValueError:
            number = at_least - 1
        if number < at_least or (at_most is not None and number > at_most):
            limits = f"of at least {at_least}" if at_most is None else f"{at_least} to {at_most}"
            raise ImproperlyConfigured(f"{name} must be a whole number {limits}, not {value!r}.")
        return number

    def number(self, name: str, default: str) -> Decimal:
        """Return a number greater than zero; fractions are welcome."""
        value = self.text(name, default)
        try:
            number = Decimal(value)
        except InvalidOperation:
            number = Decimal(0)
        if not number.is_finite() or number <= 0:
            raise ImproperlyConfigured(f"{name} must be a number above 0, not {value!r}.")
        return number

    def listing(self, name: str, default: str = "") -> list[str]:
        return [part.strip() for part in self.text(name, default).split(",") if part.strip()]

    def folder(self, name: str, default: Path) -> Path:
        return Path(self.text(name, str(default))).expanduser()

    def address(self, name: str, default: str | None = None) -> str:
        """Return an http(s) address without a slash at its end."""
        value = self.text(name, default).rstrip("/")
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ImproperlyConfigured(f"{name} must be an http or https address, not {value!r}.")
        return value


def is_loopback(address: str) -> bool:
    """Say whether an http(s) address can only be answered by this very machine."""
    host = urlsplit(address).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
