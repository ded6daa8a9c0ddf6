"""Every string is there in Vietnamese, and the compiled file says what the written one says."""

from pathlib import Path

import pytest
from babel.messages import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.conf import settings

CATALOGUE = Path(settings.LOCALE_PATHS[0]) / "vi" / "LC_MESSAGES" / "django.po"


@pytest.fixture(scope="module")
def written() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="vi")


def test_every_string_is_translated(written: Catalog) -> None:
    missing = [one.id for one in written if one.id and (not all(_forms(one)) or one.fuzzy)]
    assert missing == []


def test_every_translation_keeps_its_placeholders(written: Catalog) -> None:
    assert [(one.id, errors) for one, errors in written.check()] == []


def test_compiled_translations_are_those_written(written: Catalog) -> None:
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = read_mo(file)
    assert _by_id(written) == _by_id(compiled)


def _forms(message: Message) -> tuple[str, ...]:
    string = message.string or ""
    return (string,) if isinstance(string, str) else tuple(string)


def _by_id(catalogue: Catalog) -> dict[str, tuple[str, ...]]:
    return {
        one.id if isinstance(one.id, str) else one.id[0]: _forms(one) for one in catalogue if one.id
    }
