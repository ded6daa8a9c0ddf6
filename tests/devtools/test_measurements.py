"""What a long run printed is kept with its date, the last run of each program."""

import sys
from pathlib import Path

import pytest

from devtools.measurements import recorded


def run(file: Path, title: str, printed: str, *, is_wanted: bool = True) -> None:
    with recorded(title, is_wanted=is_wanted, file=file):
        sys.stdout.write(f"{printed}\n")


def test_each_programs_last_run_is_kept_with_its_circumstances(tmp_path: Path) -> None:
    file = tmp_path / "measurements.md"
    run(file, "Chaos", "3 histories")
    run(file, "Bench", "p50 1 ms\n\n  ratio 1.2")
    run(file, "Chaos", "4 histories")
    text = file.read_text()
    assert text.startswith("# Measurements\n")
    assert (text.count("## Bench"), text.count("## Chaos")) == (1, 1)
    assert "    p50 1 ms\n\n      ratio 1.2\n\n## Chaos" in text
    assert text.endswith("\n\n    4 histories\n")
    assert " UTC, " in text
    assert "commit " in text


def test_it_is_printed_as_ever(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path / "measurements.md", "Chaos", "3 histories")
    assert capsys.readouterr().out == "3 histories\n"


def test_nothing_is_kept_unasked_or_of_a_run_that_broke(tmp_path: Path) -> None:
    file = tmp_path / "measurements.md"
    run(file, "Chaos", "3 histories", is_wanted=False)
    with pytest.raises(RuntimeError), recorded("Chaos", is_wanted=True, file=file):
        raise RuntimeError
    assert not file.exists()
