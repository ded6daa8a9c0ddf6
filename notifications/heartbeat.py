"""Programs say that they are at work; `/readyz`, the metrics and the operations page read it."""

import os
import socket
import time
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from notifications.models import Heartbeat

EVERY_SECONDS = 3.0
_FORGOTTEN_AFTER = timedelta(hours=1)
_beaten_at: dict[str, float] = {}


def silent_after() -> timedelta:
    """Return after how long without a beat a process is not at work; the clock beats each tick."""
    return timedelta(seconds=4 * max(EVERY_SECONDS, settings.CLOCK_SECONDS))


def beat(program: str, *, instance: str = "", detail: str = "") -> None:
    """Record that the program is at work; cheap to call often, it writes every few seconds."""
    now = time.monotonic()
    last = _beaten_at.get(program)
    if last is not None and now - last < EVERY_SECONDS:
        return
    instance = instance or f"{socket.gethostname()}:{os.getpid()}"
    Heartbeat.objects.update_or_create(
        program=program,
        instance=instance[:128],
        defaults={"at": timezone.now(), "detail": detail[:200]},
    )
    if last is None:
        forgotten = timezone.now() - _FORGOTTEN_AFTER
        Heartbeat.objects.filter(program=program, at__lt=forgotten).delete()
    _beaten_at[program] = now
