"""Place again what ended in an unexpected error."""

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shop.failures import Retried, place_many_again
from shop.models import FailedPlacement
from shop.placement_records import FailureStatus


class Command(BaseCommand):
    """Each becomes an order or a refusal, and its customer is told; exits 1 if one fails again."""

    help = "Place failed placements again, at today's prices and stock."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--id", type=int, action="append", help="one; may be repeated")
        which.add_argument("--all", action="store_true", help="every one that waits")

    def handle(self, *_args: Any, id: list[int] | None, **_options: Any) -> None:  # noqa: A002
        retried = place_many_again(_chosen(id))
        self.stdout.write(_summary(retried))
        if retried.failed:
            raise CommandError(f"{retried.failed} failed again; their reasons are in the admin.")


def _chosen(ids: list[int] | None) -> Sequence[int]:
    failures = FailedPlacement.objects.order_by("failed_at").values_list("pk", flat=True)
    if ids is None:
        return list(failures.filter(status=FailureStatus.OPEN))
    found = list(failures.filter(pk__in=ids))
    if unknown := sorted(set(ids) - set(found)):
        raise CommandError(f"There is no failed placement {unknown[0]}.")
    return found


def _summary(retried: Retried) -> str:
    return f"{retried.placed} placed, {retried.refused} refused, {retried.failed} failed again."
