"""Every string that code and templates mark for translation, found as gettext's tools find them.

Babel reads Python; templates are turned into what xgettext reads by Django itself.
"""

import re
from ast import literal_eval
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.extract import extract
from django.template.base import Lexer, Token, TokenType
from django.utils.translation.template import templatize

from devtools.environment import PROJECT

APPS = ("shop", "payments", "orders", "inventory", "notifications", "lifecycles")
_KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}

_LITERAL = re.compile(r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""", re.DOTALL)
_CALL = re.compile(
    rf" (?P<function>n?p?gettext|_)\((?P<texts>{_LITERAL.pattern}(?:, ?{_LITERAL.pattern})*)"
)

_UNSEEN = re.compile(r"<(style|script)\b.*?</\1>|<!--.*?-->", re.DOTALL)
_READ_OUT = re.compile(r'\b(?:alt|aria-label|placeholder|title)="([^"]*)"')
_TAG = re.compile(r"<[^>]*>")
_WORD = re.compile(r"[^\W\d_]{2,}")

# Context, singular, plural; empty where there is none.
Text = tuple[str, str, str]


def strings_in(app: str) -> dict[Text, str]:
    """Return what an app marks for translation, and where it stands first."""
    found: dict[Text, str] = {}
    for path in sorted((PROJECT / app).rglob("*")):
        if path.suffix in {".py", ".html", ".txt"} and "migrations" not in path.parts:
            for text, line in strings_of(path):
                found.setdefault(text, f"{path.relative_to(PROJECT)}:{line}")
    return found


def strings_of(path: Path) -> Iterator[tuple[Text, int]]:
    """Yield the strings of one file with their lines."""
    source = path.read_text(encoding="utf-8")
    return _of_python(source) if path.suffix == ".py" else _of_template(source, str(path))


def _of_python(source: str) -> Iterator[tuple[Text, int]]:
    options: dict[str, Any] = {"encoding": "utf-8"}
    found = extract("python", BytesIO(source.encode()), _KEYWORDS, options=options)
    for line, message, _comments, context in found:
        one, many = (message, "") if isinstance(message, str) else (message[0], message[1])
        yield (context or "", one, many), line


def _of_template(source: str, name: str) -> Iterator[tuple[Text, int]]:
    calls = templatize(source, origin=name)
    for call in _CALL.finditer(calls):
        texts = [literal_eval(one) for one in _LITERAL.findall(call["texts"])]
        context = texts.pop(0) if "p" in call["function"].partition("gettext")[0] else ""
        one, many = texts[0], texts[1] if len(texts) > 1 else ""
        yield (context, one, many), calls.count("\n", 0, call.start()) + 1


def templates() -> list[Path]:
    """Return every template of the shop and of its emails."""
    found = [path for app in APPS for path in (PROJECT / app).glob("templates/**/*")]
    return sorted(path for path in found if path.suffix in {".html", ".txt"})


def unmarked_words(source: str) -> list[str]:
    """Return the words a template shows, or lets be read out, that nothing translates."""
    shown = _UNSEEN.sub(" ", "".join(_shown(Lexer(source).tokenize())))
    return _WORD.findall(" ".join([_TAG.sub(" ", shown), *_READ_OUT.findall(shown)]))


def _shown(tokens: list[Token]) -> Iterator[str]:
    """Yield a template's own text; a dot stands for whatever a tag or a variable shows."""
    inside = ""
    for token in tokens:
        name = token.contents.split()[0] if token.token_type == TokenType.BLOCK else ""
        if name in {"blocktranslate", "comment"}:
            inside = name
        elif name == f"end{inside}":
            inside = ""
        if not inside:
            yield token.contents if token.token_type == TokenType.TEXT else "·"
