"""What came of many histories."""

from dataclasses import dataclass, field


@dataclass
class Report:
    """How many histories were run, where they ended, and what was wrong."""

    histories: int = 0
    deaths: int = 0
    endings: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: "Report") -> None:
        """Take in another report."""
        self.histories += other.histories
        self.deaths += other.deaths
        self.wrong += other.wrong
        for ending, count in other.endings.items():
            self.endings[ending] = self.endings.get(ending, 0) + count

    def lines(self) -> list[str]:
        """Return the report as lines of text."""
        endings = sorted(self.endings.items(), key=lambda item: -item[1])
        return [
            f"{self.histories} histories, {self.deaths} deaths in them, {len(self.wrong)} wrong",
            *(f"  {count:6} ended {ending}" for ending, count in endings),
            *(f"  WRONG {one}" for one in self.wrong[:20]),
        ]
