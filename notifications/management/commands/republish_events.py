"""Publish again what no consumer has heard of."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand

from notifications.management.moments import moment
from notifications.republishing import republish_events, unheard_events


class Command(BaseCommand):
    """Republishes events whose emails never came to be."""

    help = "Publish again the events of which no email was entered: their topic was lost."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=moment, required=True, help="a date or time")
        parser.add_argument("--dry-run", action="store_true", help="only count them")

    def handle(self, *_args: Any, since: datetime, dry_run: bool, **_options: Any) -> None:
        if dry_run:
            self.stdout.write(f"{unheard_events(since).count()} events to publish again.")
        else:
            self.stdout.write(f"{republish_events(since)} events will be published again.")
