"""Check that stock, orders, payments, events and emails agree."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shop.books import Books, check_books


class Command(BaseCommand):
    """Checks every invariant in one snapshot; exits 1 on any violation."""

    help = "Check that stock, orders, payments, events and emails agree; exit 1 if they do not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON")

    def handle(self, *_args: Any, as_json: bool, **_options: Any) -> None:
        books = check_books()
        if as_json:
            self.stdout.write(json.dumps(books.to_json(), ensure_ascii=False, indent=2))
        else:
            self.stdout.write("\n".join(_lines(books)))
        if not books.is_balanced:
            raise CommandError("The books do not balance.")


def _lines(books: Books) -> list[str]:
    lines = []
    for finding in books.findings:
        mark = "✗" if finding.violations else "✓"
        count = f": {finding.violations} violations" if finding.violations else ""
        lines.append(f"{mark} {finding.description}{count}")
        lines += [f"    {example}" for example in finding.examples]
    if books.is_balanced:
        lines.append("The books balance.")
    return lines
