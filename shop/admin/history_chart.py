"""Small bar charts, each an SVG drawn by hand."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_BAR, _GAP, _HEIGHT = 6, 2, 60


def chart(title: str, times: Sequence[datetime], values: Sequence[float]) -> SafeString:
    """Draw one bar for each minute; its tooltip says when and how many."""
    ends = (f"{times[0]:%H:%M} UTC", f"{times[-1]:%H:%M}")
    return bars(
        title, [f"{at:%H:%M}" for at in times], [f"{one:g}" for one in values], values, ends
    )


def bars(
    title: str,
    names: Sequence[str],
    told: Sequence[str],
    values: Sequence[float],
    ends: tuple[str, str],
) -> SafeString:
    """Draw one bar for each value; its tooltip is its name and what is told of it."""
    most = max(values)
    highest = told[list(values).index(most)] if most else ""
    drawn = format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}"><title>{} · {}</title></rect>',
        (
            (number * (_BAR + _GAP), _HEIGHT - height, _BAR, height, name, text)
            for number, (name, text, value) in enumerate(zip(names, told, values, strict=True))
            if (height := _height(value, most))
        ),
    )
    width = len(values) * (_BAR + _GAP)
    return format_html(
        '<figure class="operations-chart"><figcaption>{} <b>{}</b></figcaption>'
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}" preserveAspectRatio="none">'
        '<path d="M0 {}H{}"/>{}</svg><p><span>{}</span><span>{}</span></p></figure>',
        title,
        f"max. {highest}" if highest else "",
        width,
        _HEIGHT + 1,
        f"{title}: max. {highest or 0}",
        _HEIGHT + 0.5,
        width,
        drawn,
        *ends,
    )


def _height(value: float, most: float) -> int:
    return max(1, round(_HEIGHT * value / most)) if value else 0
