"""Render the templates of emails. Whatever a template names must be there: silence would be mailed.

A template asks for what an event need not have with `{% if "reorder" in links %}`, or
`{% if "hold" in event %}` for the event's own keys.
"""

import traceback
from collections.abc import Mapping
from contextlib import suppress
from functools import cache, lru_cache
from typing import Any

from django.template import Context, Engine, TemplateSyntaxError
from django.template.base import Node, Template
from django.utils import translation

from notifications.compiling import NotCompilable, Text, compile_template
from notifications.database import storable


class FactMissing(Exception):
    """The event does not tell what the template names."""


class _Missing(BaseException):
    """The same inside Django, which takes every Exception in a comparison for False."""


class _Facts(dict[str, Any]):
    """A JSON object that has what is asked for, or says that it has not."""

    def __missing__(self, key: str) -> Any:
        raise _Missing(key)


class _StrictContext(Context):
    """A context in which a name that is not there is an error, in conditions and loops too."""

    def __getitem__(self, key: Any) -> Any:
        try:
            return super().__getitem__(key)
        except KeyError:
            raise _Missing(key) from None


@cache
def engine() -> Engine:
    """Return the engine of the emails' templates; each is read and compiled once."""
    return Engine(
        app_dirs=True,
        builtins=["django.templatetags.i18n", "notifications.templatetags.letters"],
    )


def render(template: str, facts: Mapping[str, Any], *, is_html: bool = False) -> str:
    """Render one template; only HTML is escaped. `FactMissing` says what the event lacks."""
    found = engine().get_template(template)
    quick = compiled(found, translation.get_language(), is_html=is_html)
    if quick:
        with suppress(Exception):
            return quick(dict(facts))
    return render_by_django(found, facts, is_html=is_html)


def render_by_django(template: Template, facts: Mapping[str, Any], *, is_html: bool) -> str:
    """Render as Django does, which finds out what is missing and where."""
    try:
        return template.render(_StrictContext(strict(dict(facts)), autoescape=is_html))
    except _Missing as missing:
        error = FactMissing(f"The event has no {missing}.")
        raise error.with_traceback(missing.__traceback__) from None


@lru_cache(maxsize=1024)
def compiled(template: Template, language: str, *, is_html: bool) -> Text | None:
    """Return the template as a function, in the active `language`; nothing if Django must do it."""
    try:
        return compile_template(template, is_html=is_html)
    except NotCompilable:
        return None


def strict(value: Any) -> Any:
    """Return JSON's value with objects that know what they lack."""
    if isinstance(value, dict):
        return _Facts({key: strict(each) for key, each in value.items()})
    if isinstance(value, list):
        return [strict(each) for each in value]
    return value


def describe_failure(error: Exception) -> str:
    """Say what went wrong, and in which template's line."""
    place = ""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        holder = frame.f_locals.get("self")
        if isinstance(holder, Template):
            place = str(holder.name)
        elif isinstance(holder, Node) and holder.token:
            place = f"{holder.origin.template_name!s}, line {holder.token.lineno}"
    if isinstance(error, TemplateSyntaxError) and hasattr(error, "token"):
        place += f", line {error.token.lineno}"
    return storable(f"{type(error).__name__}: {error} ({place})"[:2000])
