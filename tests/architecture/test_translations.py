"""Translations are complete, and compiled from what stands beside them."""

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from devtools.environment import PROJECT

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
