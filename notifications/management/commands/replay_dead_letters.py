"""Give dead letters back to the consumers."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from notifications.dead_letters import replay, waiting_letters
from notifications.management.moments import moment


class Command(BaseCommand):
    """Replays the dead letters chosen."""

    help = "Replay dead letters that were not replayed yet; all of them, or those chosen."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reason", help="only these: undecodable, schema, render, …")
        parser.add_argument("--type", dest="event_type", help="only this event type")
        parser.add_argument("--since", type=moment, help="only those since this date or time")
        parser.add_argument("--id", dest="ids", type=int, action="append", default=[])
        parser.add_argument("--dry-run", action="store_true", help="only list them")

    def handle(
        self,
        *_args: Any,
        reason: str | None,
        event_type: str | None,
        since: datetime | None,
        ids: list[int],
        dry_run: bool,
        **_options: Any,
    ) -> None:
        letters = list(waiting_letters(reason=reason, event_type=event_type, since=since, ids=ids))
        failures = 0
        for letter in letters:
            problem = "would be replayed" if dry_run else replay(letter.pk)
            failures += bool(problem) and not dry_run
            self.stdout.write(f"{letter.pk}  {letter}: {problem or 'replayed'}")
        done = len(letters) - failures
        self.stdout.write(f"{done} dead letters {'to replay' if dry_run else 'replayed'}.")
        if failures:
            raise CommandError(f"{failures} could not be replayed; they stay dead letters.")
