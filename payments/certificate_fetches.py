"""How often a certificate is fetched: whoever sends us a webhook makes us look for one.

One fetch at a time and a few a minute, for one process; whoever else needs one is told so at once,
and no thread waits. PayPal sends such a webhook again, and the clock settles meanwhile.
"""

import threading
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import TypeVar

Fetched = TypeVar("Fetched")

# PayPal signs with one certificate for months.
FETCHES, WINDOW_SECONDS = 6, 60.0
# So long an address that held no good certificate is not asked again.
REFUSED_SECONDS = 60.0


class BadCertificate(Exception):
    """The certificate or what it is said to have signed cannot be trusted."""


class TooManyFetches(Exception):
    """Nothing was fetched: another fetch is under way, or there were enough just now."""


class Fetches:
    """The limit, and what was refused lately."""

    def __init__(self) -> None:
        self._one = threading.Lock()  # held during a fetch; it guards the rest, too
        self._began: deque[float] = deque(maxlen=FETCHES)
        self._refused: dict[str, float] = {}

    def fetch(self, url: str, get: Callable[[str], Fetched]) -> Fetched:
        """Get it, unless that would be too much. Raises TooManyFetches, and what `get` raises.

        BadCertificate is remembered: the next one who asks soon gets it without a fetch.
        """
        if not self._one.acquire(blocking=False):
            raise TooManyFetches("A certificate is being fetched already.")
        try:
            self._check(url, monotonic())
            return get(url)
        except BadCertificate:
            self._remember(url)
            raise
        finally:
            self._one.release()

    def _check(self, url: str, now: float) -> None:
        """Raise what stands against a fetch, or count it."""
        if self._refused.get(url, now) > now:
            raise BadCertificate("This address held no good certificate a moment ago.")
        if len(self._began) == FETCHES and now - self._began[0] < WINDOW_SECONDS:
            raise TooManyFetches(f"{FETCHES} certificates were fetched within a minute.")
        self._began.append(now)

    def _remember(self, url: str) -> None:
        """Remember a refusal, and forget those that are over: there are never more than a few."""
        now = monotonic()
        self._refused = {old: until for old, until in self._refused.items() if until > now}
        self._refused[url] = now + REFUSED_SECONDS
