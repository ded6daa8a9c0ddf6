"""Decide about the events that Kafka refused."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand

from notifications.refused_events import give_up_refused, publish_refused, refused_events


class Command(BaseCommand):
    """Republishes what Kafka refused, or gives it up."""

    help = "Publish again the events that Kafka refused, once it would take them; or give them up."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--id", dest="ids", type=UUID, action="append", default=[])
        parser.add_argument("--give-up", action="store_true", help="their emails are never sent")
        parser.add_argument("--dry-run", action="store_true", help="only list them")

    def handle(
        self, *_args: Any, ids: list[UUID], give_up: bool, dry_run: bool, **_options: Any
    ) -> None:
        if dry_run:
            for row in refused_events(ids):
                self.stdout.write(f"{row.pk}  {row.event}: {row.error}")
        elif give_up:
            self.stdout.write(f"{give_up_refused(ids, by='republish_refused')} events given up.")
        else:
            self.stdout.write(f"{publish_refused(ids)} events will be published again.")
