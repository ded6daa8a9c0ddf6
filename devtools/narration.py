"""What supervisor logs, told to whoever watches the stack."""

import re
from collections import Counter
from pathlib import Path

_EXITED = re.compile(r"exited: (?P<name>\S+) \((?P<how>.*?)(; (?P<verdict>(not )?expected))?\)")
_SPAWNED = re.compile(r"spawned: '(?P<name>[^']+)' with pid (?P<pid>\d+)")
_NOT_SPAWNED = re.compile(r"spawnerr: (?P<error>.*)")


class Narrator:
    """Turns what supervisor logs into lines for whoever watches the stack."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._dead: set[str] = set()
        self.deaths: Counter[str] = Counter()

    def retell(self, line: str) -> str | None:
        """Return the line to show, or None for what goes without saying."""
        if found := _EXITED.search(line):
            return self._exited(found["name"], found["how"], found["verdict"])
        if found := _SPAWNED.search(line):
            return self._spawned(found["name"], found["pid"])
        if found := _NOT_SPAWNED.search(line):
            return f"A program could not be started: {found['error']}"
        return None

    def _exited(self, name: str, how: str, verdict: str | None) -> str:
        if verdict == "expected":
            return (
                f"{name} stopped itself for good ({how}). {self._logs / name}.log says why; "
                f"`python -m devtools ctl start {name}` starts it."
            )
        self._dead.add(name)
        self.deaths[name] += 1
        return f"{name} died ({how}) and is started again. Its log: {self._logs / name}.log"

    def _spawned(self, name: str, pid: str) -> str | None:
        if name not in self._dead:
            return None
        self._dead.remove(name)
        return f"{name} is process {pid} now."
