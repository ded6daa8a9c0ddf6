"""Fill a shop with the demonstration catalogue."""

from typing import Any

from django.core.management.base import BaseCommand

from shop.demo.seed import seed_demo


class Command(BaseCommand):
    """Create what is missing of the demonstration catalogue; twice changes nothing."""

    help = "Create what is missing of the demonstration catalogue; twice changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        created = seed_demo()
        self.stdout.write(f"{created} rows created.")
