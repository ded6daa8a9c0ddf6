"""Record a stocktake of one SKU."""

import re
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inventory.models import Stock
from shop.models import Variant
from shop.stocktake import MOST, StocktakeRefused, take_stock

_PIECES = re.compile(r"[0-9]{1,10}")


class Command(BaseCommand):
    """Sets what is on hand, with a movement that says so."""

    help = "Record that so much of a SKU is on the shelf; refused below what is held for orders."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("sku")
        parser.add_argument("on_hand", help="how many pieces were counted")

    def handle(self, *_args: Any, sku: str, on_hand: str, **_options: Any) -> None:
        if not _PIECES.fullmatch(on_hand) or int(on_hand) > MOST:
            raise CommandError(f"On hand must be a whole number from 0 to {MOST}, not {on_hand!r}.")
        if not _is_known(sku):
            raise CommandError(f"There is no SKU {sku}.")
        try:
            stock = take_stock(sku=sku, on_hand=int(on_hand), by="set_stock")
        except StocktakeRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{stock.sku}: {stock.on_hand} on hand, {stock.available} available.")


def _is_known(sku: str) -> bool:
    return any(model.objects.filter(sku=sku).exists() for model in (Variant, Stock))
