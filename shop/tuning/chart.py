"""The curves of `tune_intake` as an SVG, drawn by hand."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shop.tuning.sweep import CUSTOMERS, Row, advise

_WIDTH, _HEIGHT = 800, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 680, 48, 288
_INK, _SOFT, _LINES = "#14201c", "#69746e", "#e6dfd2"
_TICKS = 4


@dataclass(frozen=True)
class _Curve:
    name: str
    colour: str
    of: Callable[[Row], float]


_RATES = (
    _Curve("all SKUs", "#0b6b57", lambda row: row.spread.rate),
    _Curve("one SKU", "#c2410c", lambda row: row.hot.rate),
)
_TIMES = (
    _Curve("p99", "#c2410c", lambda row: row.spread.p99),
    _Curve("p95", "#b58a1b", lambda row: row.spread.p95),
    _Curve("p50", "#0b6b57", lambda row: row.spread.p50),
)


def draw(rows: Sequence[Row]) -> str:
    """Draw rates above and latencies below; dashed: without an executor."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {2 * _HEIGHT}" '
        f'role="img" font-family="system-ui, sans-serif" font-size="13" fill="{_INK}">'
        "<title>Orders per second and latency by number of intake workers</title>"
        f'<rect width="{_WIDTH}" height="{2 * _HEIGHT}" fill="#faf7f2"/>'
        f"{_panel('Orders per second', _RATES, rows)}"
        f'<g transform="translate(0 {_HEIGHT})">'
        f"{_panel(f'Milliseconds for one of {CUSTOMERS} customers', _TIMES, rows)}</g></svg>\n"
    )


def _panel(title: str, curves: Sequence[_Curve], rows: Sequence[Row]) -> str:
    top = _round_up(max(curve.of(row) for curve in curves for row in rows))
    pools = [row for row in rows if row.workers]
    none = [row for row in rows if not row.workers]
    return "".join(
        [
            f'<text x="{_LEFT}" y="26" font-size="16" font-weight="600">{title}</text>',
            *(_level(top * tick / _TICKS, top) for tick in range(_TICKS + 1)),
            *(_column(row.workers, pools) for row in pools),
            _mark(advise(rows).workers, pools),
            *(_line(curve, pools, top) for curve in curves),
            *(_dashes(curve, row, top) for curve in curves for row in none),
            *_legend(curves),
        ]
    )


def _x(workers: int, pools: Sequence[Row]) -> float:
    first, last = pools[0].workers, pools[-1].workers
    return _LEFT + (_RIGHT - _LEFT) * (workers - first) / max(1, last - first)


def _y(value: float, top: float) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * value / top


def _round_up(value: float) -> float:
    """Return the next number whose quarters read well."""
    step: float = 10 ** math.floor(math.log10(max(value, 1)))
    return next(step * factor for factor in (1, 1.2, 2, 4, 6, 8, 10, 12) if step * factor >= value)


def _level(value: float, top: float) -> str:
    y = _y(value, top)
    return (
        f'<path d="M{_LEFT} {y:.1f}H{_RIGHT}" stroke="{_LINES}"/>'
        f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="{_SOFT}">{value:g}</text>'
    )


def _column(workers: int, pools: Sequence[Row]) -> str:
    x = _x(workers, pools)
    return (
        f'<text x="{x:.1f}" y="{_BOTTOM + 20}" text-anchor="middle" fill="{_SOFT}">{workers}</text>'
    )


def _mark(workers: int, pools: Sequence[Row]) -> str:
    x = _x(workers, pools)
    return f'<path d="M{x:.1f} {_TOP}V{_BOTTOM}" stroke="{_INK}" stroke-width="6" opacity="0.12"/>'


def _line(curve: _Curve, pools: Sequence[Row], top: float) -> str:
    points = [(_x(row.workers, pools), _y(curve.of(row), top)) for row in pools]
    way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in points)
    return (
        f'<polyline points="{way}" fill="none" stroke="{curve.colour}" stroke-width="2"/>'
        f'<g fill="{curve.colour}">{dots}</g>'
    )


def _dashes(curve: _Curve, none: Row, top: float) -> str:
    y = _y(curve.of(none), top)
    return f'<path d="M{_LEFT} {y:.1f}H{_RIGHT}" stroke="{curve.colour}" stroke-dasharray="4 6"/>'


def _legend(curves: Sequence[_Curve]) -> list[str]:
    """Name the curves, at the right."""
    names = [
        f'<text x="{_RIGHT + 16}" y="{_TOP + 14 + 22 * number}" fill="{curve.colour}" '
        f'font-weight="600">{curve.name}</text>'
        for number, curve in enumerate(curves)
    ]
    notes = ("dashed: without", "an executor", "grey: advised")
    below = _TOP + 32 + 22 * len(curves)
    lines = [f'<tspan x="{_RIGHT + 16}" dy="18">{note}</tspan>' for note in notes]
    return [*names, f'<text y="{below}" font-size="11" fill="{_SOFT}">{"".join(lines)}</text>']
