"""Compare a period's payments with PayPal's own books."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from payments.gateway import GatewayError
from payments.reconciliation import Comparison, reconcile


class Command(BaseCommand):
    """Prints every difference; exits 1 while one stands."""

    help = "Compare payments and refunds with PayPal's transactions; exit 1 on any difference."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since", type=_moment, required=True, help="a day or a time (UTC), 2026-11-01"
        )
        parser.add_argument("--until", type=_moment, help="without it: as late as PayPal's books")
        parser.add_argument("--fix", action="store_true", help="settle what settling can fix")

    def handle(
        self, *_args: Any, since: datetime, until: datetime | None, fix: bool, **_options: Any
    ) -> None:
        now = timezone.now()
        until = until or now
        if since >= until:
            raise CommandError("--since is not before --until.")
        try:
            comparison = reconcile(since, until, now=now, fix=fix)
        except GatewayError as error:
            raise CommandError(f"PayPal was not compared: {error}") from error
        self.stdout.write("\n".join(_lines(comparison)))
        if not comparison.agrees:
            raise CommandError(f"{len(comparison.differences)} differences stand.")


def _lines(comparison: Comparison) -> list[str]:
    return [
        *(difference.text for difference in comparison.differences),
        f"{comparison.compared} transactions compared.",
        *(f"PayPal's fees: {fee} {currency}" for currency, fee in sorted(comparison.fees.items())),
    ]


def _moment(text: str) -> datetime:
    """Read a day (its beginning) or a time; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no day such as 2026-11-01.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
