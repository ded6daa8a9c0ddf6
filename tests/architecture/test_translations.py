"""Translations are complete, and compiled from what stands beside them."""

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from devtools.environment import PROJECT
from tests.architecture.visible_strings import (
    APPS,
    Text,
    strings_in,
    strings_of,
    templates,
    unmarked_words,
)

_CATALOGUES = sorted(PROJECT.glob("*/locale/*/LC_MESSAGES/django.po"))


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def _name(path: Path) -> str:
    return str(path.relative_to(PROJECT))


@pytest.mark.parametrize("path", _CATALOGUES, ids=_name)
def test_every_text_is_translated(path: Path) -> None:
    messages = [message for message in _read(path) if message.id]
    missing = [
        message.id for message in messages if message.fuzzy or not _is_complete(message.string)
    ]
    assert messages
    assert missing == []


@pytest.mark.parametrize("path", _CATALOGUES, ids=_name)
def test_compiled_catalogue_is_in_step(path: Path) -> None:
    with path.with_suffix(".mo").open("rb") as file:
        assert _texts(read_mo(file)) == _texts(_read(path))


def _texts(catalogue: Catalog) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return each text with its translation, plural forms and all."""
    messages = [message for message in catalogue if message.id]
    return {(one.context or "", *_forms(one.id)): _forms(one.string) for one in messages}


def _forms(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (text or "",) if text is None or isinstance(text, str) else tuple(text)


def _is_complete(text: str | tuple[str, ...] | list[str] | None) -> bool:
    return bool(text) if text is None or isinstance(text, str) else all(text)


def _written() -> dict[Text, str]:
    """Return every text that has a translation, and in which catalogue."""
    found = {}
    for path in _CATALOGUES:
        for message in _read(path):
            if message.id:
                one, *many = _forms(message.id)
                found[message.context or "", one, many[0] if many else ""] = _name(path)
    return found


def _used() -> dict[Text, str]:
    """Return every text that code or a template marks, and where."""
    return {text: place for app in APPS for text, place in strings_in(app).items()}


def test_every_marked_text_has_its_translation() -> None:
    written, used = _written(), _used()
    assert len(used) > 700
    assert {place: text for text, place in used.items() if text not in written} == {}


def test_no_translation_is_left_of_a_text_that_is_gone() -> None:
    used = _used()
    assert [(place, text) for text, place in _written().items() if text not in used] == []


@pytest.mark.parametrize(
    ("name", "source", "found"),
    [
        ("a.py", '_("Tea")\nngettext("cup", "cups", n)', [("", "Tea", ""), ("", "cup", "cups")]),
        ("a.py", 'pgettext("verb", "order")', [("verb", "order", "")]),
        (
            "a.html",
            "{% load i18n %}{% translate 'Tea' context \"drink\" %}",
            [("drink", "Tea", "")],
        ),
        (
            "a.html",
            "{% if x %}{% translate \"Its 'cup'\" as y %}{% endif %}",
            [("", "Its 'cup'", "")],
        ),
        (
            "a.txt",
            (
                "{% blocktranslate trimmed count n=n %}\n {{ n }} cup\n{% plural %}\n"
                " {{ n }} cups\n{% endblocktranslate %}"
            ),
            [("", "%(n)s cup", "%(n)s cups")],
        ),
    ],
)
def test_marked_texts_are_found(
    tmp_path: Path, name: str, source: str, found: list[tuple[str, str, str]]
) -> None:
    (tmp_path / name).write_text(source)
    assert [text for text, _line in strings_of(tmp_path / name)] == found


def test_no_template_shows_a_word_that_is_not_marked() -> None:
    alike_everywhere = {"UTC"}
    found = {_name(path): set(unmarked_words(path.read_text())) for path in templates()}
    assert len(found) > 150
    assert {name: words - alike_everywhere for name, words in found.items()} == {
        name: set() for name in found
    }


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("<p>{% translate 'Tea' %} · {{ n }} kg</p>", ["kg"]),
        ('<img alt="A cup" class="big">', ["cup"]),
        ("{% comment %}Tea{% endcomment %}{# Tea #}<style>p { color: red }</style>", []),
        ("{% blocktranslate %}Tea{% plural %}Teas{% endblocktranslate %}", []),
    ],
)
def test_unmarked_words_are_found(source: str, words: list[str]) -> None:
    assert unmarked_words(source) == words
