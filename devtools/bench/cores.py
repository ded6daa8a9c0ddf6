"""What the machine's cores were doing meanwhile, so that a rate can be understood."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import psutil
from django.conf import settings
from django.db import connection

from devtools.bench.workbench import listener

_Parts = dict[str, float]


@dataclass(frozen=True, slots=True)
class Moment:
    """How many seconds of a core each part has used, and when that was read."""

    at: float
    used: _Parts
    machine: float

    @classmethod
    def read(cls, parts: Mapping[str, Sequence[int]]) -> Self:
        used = {name: sum(map(_seconds, pids)) for name, pids in parts.items()}
        times = psutil.cpu_times()
        return cls(time.perf_counter(), used, sum(times) - times.idle - times.iowait - times.guest)

    def shares_since(self, earlier: Self) -> str:
        """Say how much of one core each part had since then, and what else ran."""
        passed = self.at - earlier.at
        used = {name: self.used[name] - earlier.used[name] for name in self.used}
        others = self.machine - earlier.machine - sum(used.values())
        shares = {**used, "anything else": max(0.0, others)}
        said = ", ".join(f"{name} {100 * each / passed:.0f} %" for name, each in shares.items())
        return f"{said} (of {100 * (os.cpu_count() or 1)} %)"

    def seconds_since(self, earlier: Self, *names: str) -> float:
        return sum(self.used[name] - earlier.used[name] for name in names)


def servers() -> dict[str, list[int]]:
    """Return the processes of PostgreSQL and of Kafka, as they are now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        postmaster = psutil.Process(cursor.fetchone()[0]).parent()
    backends = postmaster.children() if postmaster else []
    port = int(settings.KAFKA_BOOTSTRAP_SERVERS.rpartition(":")[2])
    return {
        "PostgreSQL": [one.pid for one in backends],
        "Kafka": [pid for pid in [listener(port)] if pid],
    }


def _seconds(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
