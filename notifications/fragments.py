"""The small functions of which a compiled template is made: each takes the facts."""

import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from itertools import repeat
from operator import call
from typing import Any

from django.template import Context
from django.template.base import render_value_in_context
from django.utils import translation
from django.utils.safestring import mark_safe

Facts = dict[str, Any]
Value = Callable[[Facts], Any]
Text = Callable[[Facts], str]
Piece = str | Text

# Filters that look at more than their arguments are Django's affair.
_DEMANDS = ("is_safe", "needs_autoescape", "expects_localtime")
OPERATORS: Mapping[str, Callable[[Value, Value], Value]] = {
    "or": lambda one, other: lambda facts: one(facts) or other(facts),
    "and": lambda one, other: lambda facts: one(facts) and other(facts),
    "in": lambda one, other: lambda facts: one(facts) in other(facts),
    "not in": lambda one, other: lambda facts: one(facts) not in other(facts),
    "==": lambda one, other: lambda facts: one(facts) == other(facts),
    "!=": lambda one, other: lambda facts: one(facts) != other(facts),
    ">": lambda one, other: lambda facts: one(facts) > other(facts),
    ">=": lambda one, other: lambda facts: one(facts) >= other(facts),
    "<": lambda one, other: lambda facts: one(facts) < other(facts),
    "<=": lambda one, other: lambda facts: one(facts) <= other(facts),
}


class NotCompilable(Exception):
    """The template uses what is left to Django."""


def join(pieces: Iterable[Piece]) -> Text:
    """Return what writes the pieces one after the other; text between them is put together."""
    texts, written = [""], []
    for piece in pieces:
        if isinstance(piece, str):
            texts[-1] += piece
        else:
            written.append(piece)
            texts.append("")
    if not written:
        return always_be(texts[0])
    said = [text for pair in zip(texts, texts, strict=True) for text in pair][:-1]

    def write(facts: Facts) -> str:
        each = said.copy()
        each[1::2] = map(call, written, repeat(facts))
        return "".join(each)

    return write


def repeat_for_each(text: Text, name: str, values: Sequence[Any], facts: Facts) -> str:
    """Write the text for each value under that name, with what templates ask of a loop."""
    scope, last, said = {**facts}, len(values) - 1, []
    for index, value in enumerate(values):
        scope[name] = value
        scope["forloop"] = {
            "counter": index + 1,
            "counter0": index,
            "first": index == 0,
            "last": index == last,
        }
        said.append(text(scope))
    return "".join(said)


def apply_filter(function: Callable[..., Any], value: Value, arguments: Sequence[Any]) -> Value:
    if any(getattr(function, demand, False) for demand in _DEMANDS):
        raise NotCompilable(f"the filter {function.__name__}")
    given = [
        look_up(argument) if is_variable else always_be(mark_safe(argument))  # noqa: S308 - ours
        for is_variable, argument in arguments
    ]
    if getattr(function, "is_pure", False):
        function = _remembering(function, translation.get_language())
    if len(given) == 1:
        (argument,) = given
        return lambda facts: function(value(facts), argument(facts))
    return lambda facts: function(value(facts), *[each(facts) for each in given])


@cache
def _remembering(function: Callable[..., Any], _language: str) -> Callable[..., Any]:
    """Return the filter with a memory of its own for the language: prices come again and again."""
    return lru_cache(maxsize=4096)(function)


def look_up(variable: Any) -> Value:
    """Return what finds a variable; a fact that is not there is a KeyError."""
    if variable.translate or (variable.lookups and variable.lookups[0] == "block"):
        raise NotCompilable(str(variable))
    if variable.literal is not None:
        return always_be(variable.literal)
    first, *rest = (int(name) if name.isdigit() else name for name in variable.lookups)
    return _walk(first, rest)


def _walk(first: Any, rest: Sequence[Any]) -> Value:
    if not rest:
        return lambda facts: facts[first]
    if len(rest) == 1:
        (second,) = rest
        return lambda facts: facts[first][second]

    def walk(facts: Facts) -> Any:
        value = facts[first]
        for name in rest:
            value = value[name]
        return value

    return walk


def writer(*, is_html: bool) -> Callable[[Any], str]:
    """Return what turns a value into text as Django does in the language active now."""
    context = Context(autoescape=is_html)
    escape = html.escape if is_html else str

    @lru_cache(maxsize=1024)
    def write_number(value: int) -> str:
        return str(render_value_in_context(value, context))

    def write(value: Any) -> str:
        kind = value.__class__
        if kind is str:
            return escape(value)
        if kind is int:
            return write_number(value)
        return str(render_value_in_context(value, context))

    return write


def assign(name: str, value: Any) -> Text:
    def run(facts: Facts) -> str:
        facts[name] = value
        return ""

    return run


def always_be(value: Any) -> Value:
    return lambda _: value


def always(_: Facts) -> bool:
    return True
