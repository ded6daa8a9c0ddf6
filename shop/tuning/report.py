"""What `tune_intake` prints: a table, and a recommendation with its reason."""

from collections.abc import Sequence

from django.conf import settings

from shop.tuning.sweep import CUSTOMERS, Result, Row, advise

_WIDTH = 17
_FIGURES = f"{'orders/s':>9}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}"


def introduction(sizes: Sequence[int], seconds: float) -> str:
    """Say what is about to happen, and write the table's head."""
    minutes = (len(sizes) + 1) * 2 * (seconds + 0.5) / 60
    return (
        f"Real orders by {CUSTOMERS} customers at once over {settings.WEB_PROCESSES} processes, "
        f"{seconds:g} s each, in a database of its own on the shop's server, which is busy "
        f"meanwhile: about {max(1, round(minutes))} min.\n\n"
        f"{'':{_WIDTH}}{'orders spread over all SKUs':^36}   {'all for one SKU':^36}\n"
        f"{'workers':>{_WIDTH}}{_FIGURES}   {_FIGURES}"
    )


def line(row: Row) -> str:
    return f"{row.name:>{_WIDTH}}{_figures(row.spread)}   {_figures(row.hot)}"


def _figures(result: Result) -> str:
    return f"{result.rate:9.0f}{result.p50:9.1f}{result.p95:9.1f}{result.p99:9.1f}"


def conclusion(rows: Sequence[Row], present: int) -> str:
    """Recommend a number and say why, and whether an executor shortens waiting at all."""
    chosen = advise(rows)
    best = max((row for row in rows if row.workers), key=lambda row: row.spread.rate)
    return (
        f"\nINTAKE_WORKERS={chosen.workers} (now {present}): the fewest workers within 5 % of the "
        f"best rate, {best.spread.rate:.0f} orders/s with {best.workers}. More of them place "
        "hardly more orders; they hold more connections and wait for each other.\n"
        + _compared(chosen, next(row for row in rows if not row.workers))
    )


def _compared(chosen: Row, none: Row) -> str:
    """Compare it with no executor: the same customers, each in a thread of its own."""
    return (
        f"Without an executor: {none.spread.rate:.0f} orders/s, p50 {none.spread.p50:.0f} ms "
        f"instead of {chosen.spread.p50:.0f} ms, p99 {none.spread.p99:.0f} ms instead of "
        f"{chosen.spread.p99:.0f} ms, with {CUSTOMERS} connections instead of {chosen.workers}."
    )
