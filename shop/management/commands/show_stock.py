"""Show the stock of one SKU."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inventory.models import Stock


class Command(BaseCommand):
    """Prints what is on hand, held and available."""

    help = "Show how much of a SKU is on hand, held for orders and available."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("sku")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON")

    def handle(self, *_args: Any, sku: str, as_json: bool, **_options: Any) -> None:
        stock = Stock.objects.filter(sku=sku).first()
        if stock is None:
            raise CommandError(f"There is no stock of {sku}.")
        if as_json:
            found = {"on_hand": stock.on_hand, "held": stock.held, "available": stock.available}
            self.stdout.write(json.dumps({"sku": stock.sku, **found}))
        else:
            self.stdout.write(
                f"{stock.sku}: {stock.on_hand} on hand, {stock.held} held for orders,"
                f" {stock.available} available"
            )
