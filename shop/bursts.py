"""How fast the same network may search and order.

Each web process counts for itself, in memory, and asks nobody: a checkout that is refused needs no
database (see `shop.intake`), and a search is to cost no write.
"""

import math
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from django.conf import settings
from django.http import HttpRequest

from shop.rate_limits import network_of

_MOST_NETWORKS = 10_000  # of those that came last


@dataclass
class Burst:
    """At most `most` at once for each network, and from then on `a_minute`."""

    most: int
    a_minute: int
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def seconds_to_wait(self, request: HttpRequest) -> int:
        """Count one more; return for how long it may not be done, 0: it may."""
        if not settings.RATE_LIMITS:
            return 0
        network = network_of(request.META.get("REMOTE_ADDR", ""))
        now = time.time()
        with self._lock:
            left, at = self._left.pop(network, (float(self.most), now))
            left = min(self.most, left + max(0, now - at) * self.a_minute / 60)
            is_over = left < 1
            self._left[network] = (left if is_over else left - 1, now)
            if len(self._left) > _MOST_NETWORKS:
                self._left.popitem(last=False)
        return math.ceil((1 - left) * 60 / self.a_minute) if is_over else 0

    def forget(self) -> None:
        with self._lock:
            self._left.clear()


SEARCHES = Burst(most=60, a_minute=60)
CHECKOUTS = Burst(most=30, a_minute=30)
