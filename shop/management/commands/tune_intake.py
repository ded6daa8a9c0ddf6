"""Measure how many intake workers this machine wants."""

import math
import re
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from shop.tuning import report
from shop.tuning.chart import draw
from shop.tuning.sweep import TooShort, sweep

_MOST = 200
_PART = re.compile(r"([0-9]{1,3})(?:-([0-9]{1,3}))?")


class Command(BaseCommand):
    """Places real orders with each number of workers, in a database of its own."""

    help = (
        "Measure orders per second and latency for each number of intake workers, and for none, "
        "in a throw-away database on the same server; recommend INTAKE_WORKERS."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sizes", type=_sizes, default=_sizes("1-20"), help="1-20 or 1,2,5,10")
        parser.add_argument("--seconds", type=_seconds, default=3.0, help="for each measurement")
        parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the curves there")

    def handle(
        self, *_args: Any, sizes: list[int], seconds: float, svg: Path | None, **_options: Any
    ) -> None:
        self.stdout.write(report.introduction(sizes, seconds))
        try:
            rows = sweep(sizes, seconds, lambda row: self.stdout.write(report.line(row)))
        except (DatabaseError, TooShort) as error:
            raise CommandError(str(error).strip()) from error
        self.stdout.write(report.conclusion(rows, settings.INTAKE_WORKERS))
        if svg:
            _write(svg, draw(rows))


def _write(svg: Path, drawing: str) -> None:
    try:
        svg.write_text(drawing, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{svg} cannot be written: {error.strerror}.") from error


def _sizes(text: str) -> list[int]:
    """Read `1-20` or `1,2,5,10-12`."""
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None:
            raise ArgumentTypeError(f"sizes look like 1-20 or 1,2,5, not {text!r}")
        found |= set(range(int(match[1]), int(match[2] or match[1]) + 1))
    if not found or min(found) < 1 or max(found) > _MOST:
        raise ArgumentTypeError(f"sizes go from 1 to {_MOST}, not {text!r}")
    return sorted(found)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 600:
        raise ArgumentTypeError(f"seconds must be more than 0 and at most 600, not {text!r}")
    return seconds
