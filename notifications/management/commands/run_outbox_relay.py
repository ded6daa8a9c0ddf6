"""Publish the outbox on Kafka."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from notifications.database import DATABASE_AWAY, keep_alive
from notifications.kafka import FatalKafkaError, KafkaAway
from notifications.relay import Relay
from notifications.shutdown import Shutdown


class Command(BaseCommand):
    """Runs the relay until SIGTERM, or once."""

    help = "Publish recorded events on Kafka, in order; several may run, one is active."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="empty the outbox, then end")

    def handle(self, *_args: Any, once: bool, **_options: Any) -> None:
        keep_alive()
        try:
            relay = Relay(Shutdown().listen())
            if once:
                self.stdout.write(f"{relay.drain()} events published.")
            else:
                relay.run()
        except FatalKafkaError as error:
            raise CommandError(str(error)) from error
        except (KafkaAway, *DATABASE_AWAY) as error:
            raise CommandError(f"Nothing can be published: {str(error).strip()}") from error
