"""What each web process's intake did, as rows: so that any process, on any machine, can show it."""

import logging
import os
import socket
import threading
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from shop.intake import Intake, intake
from shop.models import IntakeReport
from shop.views.errors import DATABASE_AWAY

logger = logging.getLogger(__name__)

EVERY_SECONDS = 5
KEPT = timedelta(hours=2)
# A process that said nothing for so long is gone.
_SILENT = timedelta(seconds=4 * EVERY_SECONDS)


def start_reporting() -> None:
    """Report for this web process from now on; `gunicorn.conf.py` calls it after the fork."""
    threading.Thread(target=_report_forever, name="intake-report", daemon=True).start()


def _report_forever() -> None:
    process = f"{socket.gethostname()}:{os.getpid()}"
    pause = threading.Event()
    while not pause.wait(EVERY_SECONDS):
        try:
            report(intake(), process)
        except DATABASE_AWAY as error:
            logger.warning("The intake's figures were not stored: %s", type(error).__name__)
        finally:
            connection.close()


def report(one: Intake, process: str) -> None:
    """Store one process's figures since its last report."""
    one.figures.calm_down()
    IntakeReport.objects.create(process=process, at=timezone.now(), **asdict(one.figures.take()))


def present() -> Sequence[IntakeReport]:
    """Return the last report of each process alive."""
    recent = IntakeReport.objects.filter(at__gt=timezone.now() - _SILENT)
    return list(recent.order_by("process", "-at").distinct("process"))


def forget_reports() -> int:
    """Delete reports nobody looks at any more; return how many."""
    return IntakeReport.objects.filter(at__lt=timezone.now() - KEPT).delete()[0]
