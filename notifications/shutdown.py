"""Let a long-running program finish what is in hand when it is told to end."""

import signal
import threading
from types import FrameType


class Shutdown:
    """Whether the process was told to end, by SIGTERM or Ctrl-C."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def listen(self) -> "Shutdown":
        """Take the signals over from here on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        return self

    @property
    def is_asked(self) -> bool:
        return self._asked.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait, but no longer than until the process is told to end; return whether it was."""
        return self._asked.wait(seconds)

    def ask(self) -> None:
        self._asked.set()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._asked.set()
