"""Send the emails that events ask for."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from notifications.consumer import HeldTooLong, drain_topic, run_consumer
from notifications.database import DATABASE_AWAY, keep_alive
from notifications.delivery import TooManyDead
from notifications.kafka import FatalKafkaError, KafkaAway
from notifications.mailer import MailServerAway
from notifications.shutdown import Shutdown

TOO_MANY_DEAD = 3  # a supervisor must not start it again by itself


class Command(BaseCommand):
    """Runs a consumer until SIGTERM, or once."""

    help = "Read events from Kafka and send their emails; several may run side by side."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="send what is there and due, then end"
        )

    def handle(self, *_args: Any, once: bool, **_options: Any) -> None:
        keep_alive()
        shutdown = Shutdown().listen()
        try:
            if once:
                self.stdout.write(f"{drain_topic(shutdown)} emails sent.")
            else:
                run_consumer(shutdown)
        except TooManyDead as error:
            raise CommandError(
                f"Stopped: {error} Look at the dead letters before starting it again.",
                returncode=TOO_MANY_DEAD,
            ) from error
        except FatalKafkaError as error:
            raise CommandError(str(error)) from error
        except MailServerAway as error:
            raise CommandError(f"The mail server is away: {error}") from error
        except (KafkaAway, HeldTooLong, *DATABASE_AWAY) as error:
            raise CommandError(f"Emails cannot be sent now: {str(error).strip()}") from error
