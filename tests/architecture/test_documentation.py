"""What the documents tell people to type exists."""

import re
from pathlib import Path

import pytest

from devtools.environment import PROJECT
from tests.documented import shell_lines

_DOCUMENTS = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")])
_LONGEST = 250
_DJANGOS_OWN = {
    "check",
    "collectstatic",
    "compilemessages",
    "createsuperuser",
    "makemessages",
    "makemigrations",
    "migrate",
    "shell",
    "dbshell",
}


def _name(path: Path) -> str:
    return str(path.relative_to(PROJECT))


@pytest.mark.parametrize("path", _DOCUMENTS, ids=_name)
def test_make_targets_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^\s*)make ([a-z-]+)", path.read_text(), re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("path", _DOCUMENTS, ids=_name)
def test_commands_exist(path: Path) -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", path.read_text()))
    assert named <= _commands() | _DJANGOS_OWN


def test_operations_guide_shows_every_command() -> None:
    guide = (PROJECT / "docs" / "operations.md").read_text()
    assert sorted(name for name in _commands() if f"`manage.py {name}" not in guide) == []


def test_every_command_has_an_example_that_a_test_runs() -> None:
    shown = shell_lines(PROJECT / "docs" / "operations" / "commands.md")
    assert _commands() <= {line.split()[1] for line in shown}


@pytest.mark.parametrize("path", _DOCUMENTS, ids=_name)
def test_no_document_is_too_long_to_be_read(path: Path) -> None:
    is_generated = "Written by `python" in path.read_text()
    assert is_generated or len(path.read_text().splitlines()) <= _LONGEST


def _commands() -> set[str]:
    return {found.stem for found in PROJECT.glob("*/management/commands/[a-z]*.py")}


@pytest.mark.parametrize("path", _DOCUMENTS, ids=_name)
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []
