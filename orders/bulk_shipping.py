"""Many parcels at once, from a CSV file: number, carrier, tracking_number.

The file is read whole or refused whole. Then each row stands alone: its order is shipped, or stays
as it was and the row says why.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from lifecycles import IllegalTransition
from orders.fulfilment import FulfilmentRefused, ship_order
from orders.models import Order

COLUMNS = ("number", "carrier", "tracking_number")
MOST_ROWS = 1000
MOST_BYTES = 1_000_000
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


class UnreadableFile(Exception):
    """Nothing of the file was done; the message says what is wrong with it."""


@dataclass(frozen=True)
class ParcelRow:
    """One row as it was typed; `line` counts from 1, the heading included."""

    line: int
    number: str
    carrier: str
    tracking_number: str


@dataclass(frozen=True)
class Outcome:
    """What became of a row; `refusal` is empty where its order was shipped."""

    row: ParcelRow
    order: Order | None
    refusal: str


def read_parcels(content: bytes) -> list[ParcelRow]:
    """Return the file's rows. Raises UnreadableFile."""
    if len(content) > MOST_BYTES:
        raise UnreadableFile(_too_many())
    try:
        text = content.decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        if set(reader.fieldnames or ()) != set(COLUMNS):
            raise UnreadableFile(_wrong_columns(reader.fieldnames or ()))
        rows = [_row(reader.line_num, cells) for cells in reader]
    except UnicodeDecodeError as error:
        raise UnreadableFile(_("The file is not UTF-8. Save it as “CSV UTF-8”.")) from error
    except csv.Error as error:
        raise UnreadableFile(_("This is no CSV file: %(error)s.") % {"error": error}) from error
    if len(rows) > MOST_ROWS:
        raise UnreadableFile(_too_many())
    if not rows:
        raise UnreadableFile(_("The file has a heading and no rows."))
    return rows


def ship_parcels(*, rows: Iterable[ParcelRow], by: str) -> list[Outcome]:
    """Ship the order of each row, one transaction each; a file sent twice ships nothing twice."""
    return [_ship(row, by) for row in rows]


def _ship(row: ParcelRow, by: str) -> Outcome:
    is_text = row.number.isprintable()
    order = Order.objects.filter(number=row.number).first() if is_text else None
    refusal = _why_not(row, order)
    if order is None or refusal:
        return Outcome(row, order, refusal)
    try:
        is_news = ship_order(
            order_id=order.pk, carrier=row.carrier, tracking_number=row.tracking_number, by=by
        )
    except (FulfilmentRefused, IllegalTransition) as error:
        return Outcome(row, order, str(error))
    return Outcome(row, order, "" if is_news else _("It is shipped already."))


def _why_not(row: ParcelRow, order: Order | None) -> str:
    if order is None:
        return _("There is no order of this number.")
    if not row.carrier:
        return _("The carrier is missing.")
    for value, longest in ((row.carrier, 60), (row.tracking_number, 100)):
        if value.startswith(_FORMULA_SIGNS):
            return _("“%(value)s” is a formula, not a name or number.") % {"value": value[:40]}
        if len(value) > longest or not value.isprintable():
            return _("“%(value)s” is too long or cannot be printed.") % {"value": value[:40]}
    return ""


def _row(line: int, cells: dict[str, str | None]) -> ParcelRow:
    if None in cells or None in cells.values():  # more cells than columns, or fewer
        raise UnreadableFile(
            _("Line %(line)s does not have three cells, as its heading has.") % {"line": line}
        )
    number, carrier, tracking = ((cells[name] or "").strip() for name in COLUMNS)
    return ParcelRow(line, number.upper(), carrier, tracking)


def _wrong_columns(found: Iterable[str]) -> str:
    names = {"wanted": ", ".join(COLUMNS), "found": ", ".join(found)[:100] or "–"}
    return _("The first line must name these columns: %(wanted)s. It names: %(found)s.") % names


def _too_many() -> str:
    return _("At most %(most)s rows at a time: send the file in parts.") % {"most": MOST_ROWS}
