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
    ratio_of: int = 50  # percentile

    def lines(self) -> list[str]:
        """Return the comparison as lines of a report."""
        ratio = percentile(self.ours, self.ratio_of) / percentile(self.floor, self.ratio_of)
        return [
            self.name,
            f"  ours                {percentiles(self.ours)}",
            f"  floor               {percentiles(self.floor)}   {self.floor_name}",
            f"  ratio of p{self.ratio_of}        {ratio:.2f}   aim: {self.aim}",
        ]


def percentiles(seconds: Sequence[float]) -> str:
    """Return the usual percentiles in milliseconds."""
    p50, p95, p99 = (percentile(seconds, n) * 1000 for n in (50, 95, 99))
    return f"p50 {p50:7.2f} ms   p95 {p95:7.2f} ms   p99 {p99:7.2f} ms   n={len(seconds)}"


def percentile(seconds: Sequence[float], n: int) -> float:
    return statistics.quantiles(seconds, n=100, method="inclusive")[n - 1]
