"""Inputs of the storefront's forms that write themselves.

Django renders each input by several templates, and a list of countries by one for each country:
together that takes longer than the rest of the page.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django import forms
from django.forms.renderers import BaseRenderer
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from shop.countries import country_names


class LineInput(forms.TextInput):
    """An input for a line of text."""

    def render(
        self,
        name: str,
        value: Any,
        attrs: Mapping[str, Any] | None = None,
        renderer: BaseRenderer | None = None,  # noqa: ARG002 - as Django calls it
    ) -> SafeString:
        own = {"type": self.input_type, "name": name, "value": self.format_value(value)}
        return format_html("<input{}>", _attributes(self, own, attrs))


class EmailInput(LineInput):
    """An input for an email address."""

    input_type = "email"


class CountryField(forms.ChoiceField):
    """A country's code; which are offered is said where the list is shown."""

    def valid_value(self, value: str) -> bool:
        return value in country_names()


class CountrySelect(forms.Select):
    """The list of the countries in `offered`, by name."""

    offered: frozenset[str] = frozenset()

    def render(
        self,
        name: str,
        value: Any,
        attrs: Mapping[str, Any] | None = None,
        renderer: BaseRenderer | None = None,  # noqa: ARG002 - as Django calls it
    ) -> SafeString:
        attributes = _attributes(self, {"name": name}, attrs)
        return format_html("<select{}>{}</select>", attributes, self._options(str(value)))

    def _options(self, chosen: str) -> SafeString:
        options = _written(self.offered, get_language())
        if chosen in self.offered:
            option = f'<option value="{chosen}"'
            options = mark_safe(options.replace(option, f"{option} selected", 1))  # noqa: S308 - ours
        return options


def _attributes(
    widget: forms.Widget, own: dict[str, Any], given: Mapping[str, Any] | None
) -> SafeString:
    every = {**own, **widget.attrs, **(given or {})}
    written = (
        f" {name}" if value is True else f' {name}="{escape(value)}"'
        for name, value in every.items()
        if value is not None and value is not False
    )
    return mark_safe("".join(written))  # noqa: S308 - the names are ours, the values escaped


@lru_cache(maxsize=100)
def _written(codes: frozenset[str], language: str | None) -> SafeString:
    """Return these countries' options in the present language, by which alone they are kept."""
    named = ((code, name) for code, name in country_names().items() if code in codes)
    return format_html_join("\n", '<option value="{}">{}</option>', named)
