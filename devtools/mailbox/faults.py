"""The ways in which the mailbox misbehaves on request."""

from dataclasses import dataclass
from threading import Lock
from typing import get_args

from devtools.mailbox.formats import FaultKind

KINDS: tuple[FaultKind, ...] = get_args(FaultKind)


@dataclass
class Fault:
    """A fault that the next `count` connections, recipients or messages meet."""

    kind: FaultKind
    count: int = 1
    delay_ms: int = 5000


class Faults:
    """The faults ordered and not met yet; safe to use from several threads."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, *kinds: FaultKind) -> Fault | None:
        """Return the oldest fault of these kinds and count it as met."""
        with self._lock:
            for fault in self._faults:
                if fault.kind in kinds:
                    fault.count -= 1
                    if fault.count <= 0:
                        self._faults.remove(fault)
                    return fault
        return None
