"""The log: one JSON object a line in production, readable lines in development.

Each line carries what `notifications.tracing` knows of the work in hand: the request's id, the
order's number, the transaction id. None holds anybody's email address, a link that opens an order
or an account, or a secret of the shop's, whoever wrote it: mail servers quote addresses, too.
"""

import json
import logging
import re
from collections.abc import Iterable
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import Processor

_ADDRESS = re.compile(r"[^\s<>\"'(),:;=\[\]]+@[\w-]+(?:\.[\w-]+)+")
_LINKS = re.compile(
    r"(/orders/[A-Z0-9]+/|/reset/key/|/confirm-email/|/resets?/[^/\s\"]+/)[^/\s\"'<>]+"
)
_SHORTEST_SECRET = 8

_FACTS: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


class DiscreetFormatter(ProcessorFormatter):
    """Formats a line, its traceback included, and hides in it what is nobody's business."""

    def __init__(self, kind: str, secrets: Iterable[str] = ()) -> None:
        super().__init__(
            foreign_pre_chain=_FACTS,
            processors=[ProcessorFormatter.remove_processors_meta, *_writers(kind)],
        )
        known = {one for one in secrets if len(one) >= _SHORTEST_SECRET}
        known |= {json.dumps(one)[1:-1] for one in known}
        self._secrets = re.compile("|".join(map(re.escape, known))) if known else None

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        if "@" in line:
            line = _ADDRESS.sub("…@…", line)
        line = _LINKS.sub(r"\1…", line)
        return self._secrets.sub("…", line) if self._secrets else line


def _writers(kind: str) -> list[Processor]:
    if kind == "json":
        write = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
        return [structlog.processors.format_exc_info, write]
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, exception_formatter=plain)]


def logging_settings(kind: str, secrets: Iterable[str]) -> dict[str, Any]:
    """Return Django's LOGGING: everything to standard error, as `kind` ("json" or "lines")."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"()": "shop.logs.DiscreetFormatter", "kind": kind, "secrets": list(secrets)},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "axes": {"level": "WARNING"},
            # The request's own line says it all, by the request's id.
            "django.request": {"level": "CRITICAL"},
        },
    }


def configure_structlog() -> None:
    """Send what libraries log through structlog the way of everything else."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_FACTS[:3],
            _FACTS[4],
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
