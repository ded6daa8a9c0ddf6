"""`manage.py forget_customer EMAIL`: blank a person everywhere; the books stay whole."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shop.forgetting import CannotForget, forget_customer


class Command(BaseCommand):
    """Forget a customer who asked for it."""

    help = "Blank a person in orders, events, emails, webhooks and accounts, keeping the books."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        try:
            done = forget_customer(email.strip())
        except CannotForget as error:
            raise CommandError(str(error)) from error
        being_sent = done.pop("being sent")
        self.stdout.write("Forgotten: " + ", ".join(f"{n} {name}" for name, n in done.items()))
        if being_sent:
            text = f"{being_sent} emails were being sent at this moment: please run it again."
            raise CommandError(text)
