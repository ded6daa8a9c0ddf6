"""The emulator's own time, which tests may move forward."""

import threading
import time
from datetime import UTC, datetime


class Clock:
    """Tell the time of PayPal's world: real time plus whatever it was advanced by."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead = 0.0

    def now(self) -> float:
        """Return seconds since 1970."""
        return time.time() + self.ahead

    @property
    def ahead(self) -> float:
        """Return how many seconds this clock is ahead of the real one."""
        with self._lock:
            return self._ahead

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._ahead += seconds

    def set_ahead(self, seconds: float) -> None:
        with self._lock:
            self._ahead = seconds


def timestamp(seconds: float) -> str:
    """Write a time as PayPal does: UTC, whole seconds, `Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
