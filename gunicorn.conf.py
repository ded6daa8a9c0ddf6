"""The web server, in development and in production: processes with threads.

`shop.settings` says how many; `--bind` says where.
"""

import os
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger
from prometheus_client import multiprocess

from shop import settings
from shop.logs import DiscreetFormatter

wsgi_app = "shop.wsgi"
worker_class = "gthread"
workers = settings.WEB_PROCESSES
threads = settings.WEB_THREADS
timeout = 60
graceful_timeout = 20
keepalive = 5
control_socket_disable = True  # nothing outside the shop's own folders


class ShopLogger(Logger):  # type: ignore[misc]
    """Writes what gunicorn says of itself as the shop's lines are written."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(DiscreetFormatter(settings.LOG_FORMAT))


logger_class = ShopLogger

# prometheus_client's own variable: where processes share what they count.
_SHARED_METRICS = os.environ.get("PROMETHEUS_MULTIPROC_DIR")


def on_starting(server: Any) -> None:
    """Forget the counts of processes that ran before."""
    if _SHARED_METRICS:
        folder = Path(_SHARED_METRICS)
        folder.mkdir(parents=True, exist_ok=True)
        for counts in folder.glob("*.db"):
            counts.unlink()


def post_worker_init(worker: Any) -> None:
    """Open the intake, in the process that will use it."""
    from shop.intake_reports import start_reporting

    start_reporting()


def child_exit(server: Any, worker: Any) -> None:
    """Take a process that ended out of the gauges that count the living."""
    if _SHARED_METRICS:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
