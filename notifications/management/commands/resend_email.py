"""Send an email once more."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from notifications.resending import NotResendable, resend_email


class Command(BaseCommand):
    """Queues one email again, for a consumer to send."""

    help = "Send an email again: a new email, with a Message-ID of its own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("delivery_id", type=int, help="the id that show_order lists")

    def handle(self, *_args: Any, delivery_id: int, **_options: Any) -> None:
        try:
            delivery = resend_email(delivery_id=delivery_id)
        except NotResendable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Email {delivery.pk} will be sent.")
