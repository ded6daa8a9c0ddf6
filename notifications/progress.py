"""How a consumer is doing: one line each minute, and a live one where somebody watches."""

import logging
import sys
import time
from collections import Counter
from typing import TextIO

logger = logging.getLogger(__name__)

EVERY_SECONDS = 60.0
_LIVE_SECONDS = 1.0
_CLEAR = "\r\x1b[K"


class Progress:
    """Counts what became of emails; `show` is cheap to call often."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._stream = stream
        self._counts: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._told_at = self._shown_at = time.monotonic()

    def count(self, status: str) -> None:
        self._counts[status] += 1

    @property
    def sent(self) -> int:
        return self._counts["SENT"]

    def show(self, now: float, *, away: bool = False) -> None:
        """Write what is due: the minute's line to the log, the live one to a terminal."""
        if now - self._told_at >= EVERY_SECONDS:
            logger.info("The last minute: %s.", _words(self._counts - self._told, away=away))
            self._told, self._told_at = self._counts.copy(), now
        if self._stream.isatty() and now - self._shown_at >= _LIVE_SECONDS:
            self._stream.write(_CLEAR + _words(self._counts, away=away))
            self._stream.flush()
            self._shown_at = now


def _words(counts: Counter[str], *, away: bool) -> str:
    said = ", ".join(f"{count} {status.lower()}" for status, count in sorted(counts.items()))
    return (said or "no email") + ("; the mail server is away" if away else "")
