"""One customer's requests to PayPal, one after the other, so that nobody takes every place.

For one process, as the places are. Where RATE_LIMITS is off, nobody is turned away.
"""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from time import monotonic

from django.conf import settings

from payments.gateway import Busy, InProgress

# What PayPal has said of a payment is believed that long.
BELIEVED_SECONDS = 2.0


class AskedJustNow(Busy):
    """PayPal was asked about this payment a moment ago, and what it said is believed."""


class Turns:
    """Which payments PayPal is asked about now, or was a moment ago, by their ids."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: set[int] = set()
        self._believed_until: dict[int, float] = {}

    @contextmanager
    def take(self, payment_id: int) -> Generator[None]:
        """Hold the payment's turn during a call. Raises InProgress and AskedJustNow."""
        if not settings.RATE_LIMITS:
            yield
            return
        self._begin(payment_id)
        try:
            yield
        finally:
            self._end(payment_id)

    def _begin(self, payment_id: int) -> None:
        with self._lock:
            if payment_id in self._under_way:
                raise InProgress("PayPal is being asked about this payment.")
            if monotonic() < self._believed_until.get(payment_id, 0.0):
                raise AskedJustNow("PayPal was asked about this payment a moment ago.")
            self._under_way.add(payment_id)

    def _end(self, payment_id: int) -> None:
        now = monotonic()
        with self._lock:
            self._under_way.discard(payment_id)
            fresh = {pk: until for pk, until in self._believed_until.items() if until > now}
            self._believed_until = fresh | {payment_id: now + BELIEVED_SECONDS}
