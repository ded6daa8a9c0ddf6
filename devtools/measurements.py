"""What long runs print, kept with their date in `docs/measurements.md`: a section for each."""

import io
import os
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import psutil

from devtools.environment import PROJECT

FILE = PROJECT / "docs" / "measurements.md"
_HEAD = """# Measurements

Written by `python -m devtools.bench` and `python -m devtools.chaos`, each part when it was last run
with `--record`. Of times, ratios count: each stands beside its floor, taken in the same run.
"""


class _Both(io.TextIOBase):
    """Writes where it wrote before, and remembers it."""

    def __init__(self, target: TextIO) -> None:
        self._target = target
        self.written: list[str] = []

    def write(self, text: str) -> int:
        self.written.append(text)
        return self._target.write(text)

    def flush(self) -> None:
        self._target.flush()


@contextmanager
def recorded(title: str, *, is_wanted: bool, file: Path = FILE) -> Generator[None]:
    """Keep under this title what is printed inside, unless it ends in an error."""
    both = _Both(sys.stdout)
    with redirect_stdout(both):
        yield
    if is_wanted:
        _write(file, title, "".join(both.written))


def _write(file: Path, title: str, printed: str) -> None:
    lines = [f"    {line}".rstrip() for line in printed.strip().splitlines()]
    section = "\n".join([f"## {title}", "", _circumstances(), "", *lines, ""])
    text = file.read_text() if file.exists() else _HEAD
    head, *sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    others = [one.rstrip() + "\n" for one in sections if not one.startswith(f"## {title}\n")]
    file.write_text("\n".join([head.rstrip() + "\n", *sorted([*others, section])]))


def _circumstances() -> str:
    """Say when, on what and of which commit: whoever compares needs it."""
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    memory = round(psutil.virtual_memory().total / 2**30)
    machine = f"{os.cpu_count()} cores, {memory} GB, Python {platform.python_version()}"
    command = shlex.join(["python", "-m", *_module(), *sys.argv[1:]])
    return f"{at}, {machine}, commit {_commit()}: `{command}`"


def _module() -> list[str]:
    package = sys.modules["__main__"].__package__
    return [package] if package else []


def _commit() -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    found = subprocess.run(asked, cwd=PROJECT, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"
