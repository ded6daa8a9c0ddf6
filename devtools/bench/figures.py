"""Times as percentiles, and one of them as a multiple of another."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Comparison:
    """Ours and a floor, measured in turn in the same run; times in seconds."""

    name: str
    ours: Sequence[float]
    floor_name: str
    floor: Sequence[float]
    aim: str

    def lines(self) -> list[str]:
        """Return the comparison as lines of a report."""
        ratio = statistics.median(self.ours) / statistics.median(self.floor)
        return [
            self.name,
            f"  ours                {_percentiles(self.ours)}",
            f"  floor               {_percentiles(self.floor)}   {self.floor_name}",
            f"  ratio of medians    {ratio:.2f}   aim: {self.aim}",
        ]


def _percentiles(seconds: Sequence[float]) -> str:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    p50, p95, p99 = (cuts[n - 1] * 1000 for n in (50, 95, 99))
    return f"p50 {p50:7.2f} ms   p95 {p95:7.2f} ms   p99 {p99:7.2f} ms   n={len(seconds)}"
