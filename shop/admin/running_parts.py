"""How the shop runs, in a few lines for the first page; the operations page tells the rest."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from notifications import status
from notifications.models import UNSETTLED, EmailDelivery
from shop import intake_reports
from shop.health import PROGRAMS

_LONG_SECONDS = 30.0
_MOST_COUNTED = 1000


@dataclass(frozen=True)
class RunningPart:
    """One part of the shop: how it does, and whether that is well."""

    title: str | Promise
    told: str
    is_well: bool


def running_parts() -> Iterator[RunningPart]:
    """Tell of the intake, the pipeline and the programs. Asks PostgreSQL alone."""
    yield _intake()
    yield _pipeline()
    yield _emails()
    yield _programs()


def _intake() -> RunningPart:
    processes = intake_reports.present()
    figures = {
        "busy": sum(one.busy for one in processes),
        "workers": sum(one.workers for one in processes),
        "queued": sum(one.queued for one in processes),
    }
    told = _("%(busy)s of %(workers)s workers busy, %(queued)s waiting") % figures
    return RunningPart(_("Intake"), told, not any(one.refused for one in processes))


def _pipeline() -> RunningPart:
    seconds = status.outbox_oldest_seconds()
    told = _("%(number)s events wait for Kafka") % {"number": status.outbox_depth()}
    if seconds:
        oldest = _("the oldest for %(seconds)s s") % {"seconds": round(seconds)}
        told = f"{told}, {oldest}"
    return RunningPart(_("Pipeline"), told, seconds < _LONG_SECONDS)


def _emails() -> RunningPart:
    waiting = EmailDelivery.objects.filter(status__in=UNSETTLED).order_by()
    number = waiting[: _MOST_COUNTED + 1].count()
    told = _("%(number)s on their way or deferred") % {"number": min(number, _MOST_COUNTED)}
    return RunningPart(_("Emails"), told, number <= _MOST_COUNTED)


def _programs() -> RunningPart:
    ages = status.heartbeats()
    missing = [one for one in PROGRAMS.values() if ages.get(one, _LONG_SECONDS) >= _LONG_SECONDS]
    told = (
        _("not seen: %(programs)s") % {"programs": ", ".join(missing)} if missing else _("at work")
    )
    return RunningPart(_("Relay, consumer, clock"), told, not missing)
