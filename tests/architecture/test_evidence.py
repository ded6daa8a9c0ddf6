"""Each file, test and command that the documents point at as evidence exists."""

import re
from pathlib import Path

import pytest

from devtools.environment import PROJECT

_DOCUMENTS = sorted([PROJECT / "README.md", *PROJECT.glob("docs/**/*.md")])
_PARTS = "shop|payments|orders|inventory|notifications|lifecycles|devtools|tests|docs|deploy"
_FILE = re.compile(rf"`((?:{_PARTS})/[\w./@-]+|Dockerfile|compose\.yaml|gunicorn\.conf\.py)")
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
# Each says where its answer is, question by question.
_QUESTIONS = [PROJECT / "docs" / f"design-questions{language}.md" for language in ("", ".vi")]


def _name(path: Path) -> str:
    return str(path.relative_to(PROJECT))


@pytest.mark.parametrize("path", _DOCUMENTS, ids=_name)
def test_files_exist(path: Path) -> None:
    named = set(_FILE.findall(path.read_text()))
    assert sorted(name for name in named if not (PROJECT / name.rstrip(".")).exists()) == []


@pytest.mark.parametrize("path", _DOCUMENTS, ids=_name)
def test_tests_exist(path: Path) -> None:
    named = set(_TEST.findall(path.read_text()))
    missing = [
        f"{file}::{test}"
        for file, test in sorted(named)
        if not re.search(rf"^def {test}\(", (PROJECT / file).read_text(), re.MULTILINE)
    ]
    assert missing == []


def _answers(path: Path) -> list[str]:
    """Return each question's answer, its heading first."""
    return re.split(r"^## (?=Q\d)", path.read_text(), flags=re.MULTILINE)[1:]


@pytest.mark.parametrize("path", _QUESTIONS, ids=_name)
def test_each_of_the_eight_questions_is_answered_with_a_file_and_a_test(path: Path) -> None:
    answers = _answers(path)
    assert [answer[:2] for answer in answers] == [f"Q{number}" for number in range(1, 9)]
    for answer in answers:
        assert _FILE.search(answer)
        assert _TEST.search(answer)


def test_both_languages_point_at_the_same() -> None:
    english, vietnamese = (
        [sorted(_FILE.findall(answer)) + sorted(_TEST.findall(answer)) for answer in _answers(path)]
        for path in _QUESTIONS
    )
    assert english == vietnamese


def test_each_threat_has_a_file_and_a_test() -> None:
    text = (PROJECT / "docs" / "security.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and "`tests/" in line]
    assert len(rows) > 25
    assert [row for row in rows if not _FILE.search(row)] == []
