"""What Prometheus asks of names and units of metrics: the rules of `promtool check metrics`."""

import re
from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import Metric

_WRONG_UNITS = (
    "milliseconds|microseconds|nanoseconds|minutes|hours|days|weeks|ms|secs"
    "|kilobytes|megabytes|gigabytes|kb|mb|gb|bits|percent|celcius"
)
_KINDS = "counter|gauge|histogram|summary|untyped"


def faults(families: Iterable[Metric]) -> list[str]:
    """Return every rule that is broken, with the metric's name."""
    return [f"{family.name}: {fault}" for family in families for fault in _faults(family)]


def _faults(family: Metric) -> Iterator[str]:
    name, kind = family.name, family.type
    if not family.documentation:
        yield "has no HELP"
    if kind in {"gauge", "histogram"} and name.endswith(("_total", "_count", "_sum", "_bucket")):
        yield f"ends like another kind than {kind}"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        yield "is not in snake_case"
    if re.search(rf"_({_WRONG_UNITS})(_|$)", name):
        yield "is not in a base unit"
    if re.search(rf"(^|_)({_KINDS})(_|$)", name):
        yield "has its kind in its name"
    labels = {label for sample in family.samples for label in sample.labels}
    if labels & ({"le", "quantile"} - ({"le"} if kind == "histogram" else set())):
        yield "has a label that is kept for histograms and summaries"
    seen = [(one.name, tuple(sorted(one.labels.items()))) for one in family.samples]
    if len(seen) != len(set(seen)):
        yield "has the same sample twice"
