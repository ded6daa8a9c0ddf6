"""A small bar chart of the last hour, as an SVG drawn by hand."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_BAR, _GAP, _HEIGHT = 6, 2, 60


def chart(title: str, times: Sequence[datetime], values: Sequence[float]) -> SafeString:
    """Draw one bar for each minute; its tooltip says when and how many."""
    most = max(values)
    bars = format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}"><title>{} · {}</title></rect>',
        (
            (number * (_BAR + _GAP), _HEIGHT - height, _BAR, height, f"{at:%H:%M}", f"{value:g}")
            for number, (at, value) in enumerate(zip(times, values, strict=True))
            if (height := _height(value, most))
        ),
    )
    width = len(values) * (_BAR + _GAP)
    return format_html(
        '<figure class="operations-chart"><figcaption>{} <b>{}</b></figcaption>'
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}" preserveAspectRatio="none">'
        '<path d="M0 {}H{}"/>{}</svg><p><span>{} UTC</span><span>{}</span></p></figure>',
        title,
        f"max. {most:g}" if most else "",
        width,
        _HEIGHT + 1,
        f"{title}: max. {most:g}",
        _HEIGHT + 0.5,
        width,
        bars,
        f"{times[0]:%H:%M}",
        f"{times[-1]:%H:%M}",
    )


def _height(value: float, most: float) -> int:
    return max(1, round(_HEIGHT * value / most)) if value else 0
