"""One time for the shop and for PayPal, which a test moves forward."""

from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import time_machine

from devtools.paypal.client import Emulator


class Clocks:
    """`with Clocks(emulator) as clocks:` lets this process's time go on from now, or jump."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._travel = time_machine.travel(datetime.now(UTC), tick=True)
        self.ahead = 0.0  # seconds

    def __enter__(self) -> Self:
        self._traveller = self._travel.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._travel.stop()

    def advance(self, seconds: float) -> None:
        """Move both clocks forward."""
        self.ahead += seconds
        self._traveller.shift(seconds)
        self._emulator.advance(seconds)
