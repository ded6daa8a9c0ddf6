"""The clock's duties that fail, a row each: for the metrics and the operations page."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import models
from django.db.models import F
from django.utils import timezone

# A duty that fails does so at every tick; what was not repeated for so long is over.
_OVER_AFTER = timedelta(minutes=5)
_well: set[str] = set()


class DutyFailure(models.Model):
    """A duty that failed when it was last tried. Its traceback is in the clock's log."""

    duty = models.CharField(max_length=64, primary_key=True)
    error = models.CharField(max_length=100, help_text="The error's kind.")
    times = models.PositiveIntegerField(default=1, help_text="In a row.")
    failed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.duty}: {self.error}"


def note_failure(duty: str, error: Exception) -> None:
    """Keep that a duty failed, once more or for the first time."""
    _well.discard(duty)
    kind = type(error).__name__[:100]
    DutyFailure.objects.update_or_create(
        pk=duty,
        defaults={"error": kind, "failed_at": timezone.now(), "times": F("times") + 1},
        create_defaults={"error": kind, "failed_at": timezone.now()},
    )


def note_success(duty: str) -> None:
    """Take its failure away; asks PostgreSQL only when there may be one."""
    if duty not in _well:
        DutyFailure.objects.filter(pk=duty).delete()
        _well.add(duty)


def present_failures() -> Sequence[DutyFailure]:
    """Return the duties that fail now."""
    recent = DutyFailure.objects.filter(failed_at__gt=timezone.now() - _OVER_AFTER)
    return list(recent.order_by("duty"))
