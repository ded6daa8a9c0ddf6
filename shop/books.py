"""Check the books: what must be true of stock, orders, payments, events and emails together."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from shop.invariants import INVARIANTS, Invariant
from shop.models import BooksCheck

_EXAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """What one invariant found; `examples` names some of the rows that break it."""

    name: str
    description: str
    violations: int
    examples: list[str]

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "description": self.description,
            "violations": self.violations,
            "examples": self.examples,
        }


@dataclass(frozen=True)
class Books:
    """The findings of one check, all of the same moment."""

    checked_at: datetime
    findings: list[Finding]

    @property
    def violations(self) -> int:
        return sum(finding.violations for finding in self.findings)

    @property
    def is_balanced(self) -> bool:
        return self.violations == 0

    def to_json(self) -> dict[str, Any]:
        """Return it as `check_books --json` shows it, the time in UTC."""
        return {
            "balanced": self.is_balanced,
            "checked_at": self.checked_at.astimezone(UTC).isoformat(),
            "invariants": [finding.to_json() for finding in self.findings],
        }


def check_books() -> Books:
    """Check every invariant in one consistent snapshot, and keep what was found.

    Locks nothing and delays nobody. Owns its transactions.
    """
    books = _look()
    BooksCheck.objects.create(
        checked_at=books.checked_at,
        violations=books.violations,
        invariants=books.to_json()["invariants"],
    )
    return books


@transaction.atomic(durable=True)
def _look() -> Books:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # The tables are read whole: by an index the rows of a million orders come at random.
        cursor.execute("SET LOCAL enable_indexscan = off")
    return Books(timezone.now(), [find_violations(invariant) for invariant in INVARIANTS])


def find_violations(invariant: Invariant) -> Finding:
    """Check one invariant in the caller's transaction."""
    counted = f"""
        WITH violation (example) AS MATERIALIZED ({invariant.violations})
        SELECT (SELECT count(*) FROM violation),
               ARRAY(SELECT example FROM violation LIMIT {_EXAMPLES})
    """  # noqa: S608 - the statements of shop.invariants
    with connection.cursor() as cursor:
        cursor.execute(counted)
        violations, examples = cursor.fetchone()
    return Finding(invariant.name, invariant.description, violations, examples)
