"""Run the order clock."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from notifications.database import keep_alive
from notifications.shutdown import Shutdown
from shop import clock


class Command(BaseCommand):
    """Runs the clock until SIGTERM, or once."""

    help = "End holds and orders whose time is over, settle payments, send refunds."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="do every duty once, then end")

    def handle(self, *_args: Any, once: bool, **_options: Any) -> None:
        keep_alive()
        shutdown = Shutdown().listen()
        if once:
            self.stdout.write(f"{clock.tick()} cases dealt with.")
        else:
            clock.run(shutdown)
