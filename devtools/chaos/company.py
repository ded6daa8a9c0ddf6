"""Real processes that settle one order at the same moment, or are killed while they do."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from devtools.chaos.actors import FAILED
from devtools.chaos.clocks import Clocks
from devtools.environment import PROJECT

KILLED = -9


@dataclass
class Company:
    """`with Company(log) as company:` runs the actors' program in this process's environment."""

    log: Path
    clocks: Clocks
    variables: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self._program = subprocess.Popen(
                [sys.executable, "-m", "devtools.chaos.actors"],
                cwd=PROJECT,
                env={**os.environ, **self.variables},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._program.communicate()

    def perform(self, *deeds: tuple[str, int], die_at: int | None = None) -> list[int]:
        """Let one process do each deed, all at once; return their exit statuses."""
        asked = {"deeds": deeds, "die_at": die_at, "ahead": self.clocks.ahead}
        if self._program.stdin is None or self._program.stdout is None:
            raise RuntimeError("The actors' program has no pipes.")
        self._program.stdin.write(json.dumps(asked) + "\n")
        self._program.stdin.flush()
        answer = self._program.stdout.readline()
        if not answer:
            raise RuntimeError(f"The actors ended:\n{self.log.read_text()}")
        statuses: list[int] = json.loads(answer)
        if FAILED in statuses:
            raise RuntimeError(f"An actor failed at {deeds}:\n{self.log.read_text()}")
        return statuses
