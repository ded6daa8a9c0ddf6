"""The trace that every call to PayPal leaves: a line in the log, a row for 90 days, the figures."""

import logging
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

from django.db import connection
from django.utils import timezone
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Histogram

from notifications import tracing
from payments.gateway import Busy, Refused, Unanswered
from payments.models import GatewayCall

logger = logging.getLogger(__name__)

CALLS = Counter("ganh_paypal_calls", "Calls to PayPal.", labelnames=("operation", "outcome"))
SECONDS = Histogram(
    "ganh_paypal_seconds",
    "How long calls to PayPal took.",
    labelnames=("operation",),
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40),
)
KEPT = timedelta(days=90)
_MANY = 1000
# The daily look at each capture; what it finds has rows of its own.
_ROUTINE = ("get_captured_payment", "answered")
_LONGEST_DEBUG_ID = 40
_LONGEST_OUTCOME = 200


@dataclass
class Call:
    """One call, while it lasts. `about` is PayPal's id, or our transaction id before it has one."""

    operation: str
    about: str
    request_id: UUID | None
    at: datetime
    debug_id: str = ""


_current: ContextVar[Call | None] = ContextVar("paypal_call", default=None)
_transaction: ContextVar[UUID | None] = ContextVar("transaction", default=None)


@contextmanager
def concerning(transaction_id: UUID) -> Generator[None]:
    """Let the log's lines of what is done inside name the payment that it is about."""
    token = _transaction.set(transaction_id)
    try:
        with tracing.log_scope(transaction_id=str(transaction_id)):
            yield
    finally:
        _transaction.reset(token)


def let_connection_go() -> None:
    """Give the database connection back before waiting for PayPal; the next query takes another.

    However many wait, the pool is there for everybody else.
    """
    if not connection.in_atomic_block:
        connection.close()


def note_debug_id(headers: Mapping[str, str]) -> None:
    """Keep PayPal's name for what it has just answered, for the call that this thread makes."""
    call, found = _current.get(), headers.get("PayPal-Debug-Id", "")
    if call is not None and found.isprintable():
        call.debug_id = found[:_LONGEST_DEBUG_ID]


@contextmanager
def traced(operation: str, *, about: str, request_id: UUID | None) -> Generator[None]:
    """Trace the call made inside, however it ends; a call that was not made is only counted."""
    call = Call(operation, about, request_id, timezone.now())
    token, began = _current.set(call), monotonic()
    outcome, why = "failed", ""
    try:
        with tracing.traced(f"PayPal {operation}", kind=SpanKind.CLIENT):
            yield
        outcome = "answered"
    except Busy:
        outcome = "busy"
        raise
    except Unanswered as error:
        outcome, why = "unanswered", str(error)
        raise
    except Refused as error:
        outcome, why = "refused", error.issue
        call.debug_id = call.debug_id or error.debug_id
        raise
    finally:
        _current.reset(token)
        CALLS.labels(operation, outcome).inc()
        if outcome != "busy":
            _keep(call, f"{outcome}: {why}" if why else outcome, monotonic() - began)


def forget_old_calls(now: datetime) -> int:
    """Delete some of the rows that are older than 90 days; return how many were."""
    old = GatewayCall.objects.filter(at__lt=now - KEPT).order_by("at")
    return GatewayCall.objects.filter(pk__in=old.values("pk")[:_MANY]).delete()[0]


def _keep(call: Call, outcome: str, seconds: float) -> None:
    """Write the line and the row."""
    SECONDS.labels(call.operation).observe(seconds)
    milliseconds = round(seconds * 1000)
    logger.info(
        "PayPal %s %s: %s, %d ms, transaction %s, request id %s, debug id %s",
        call.operation,
        call.about or "-",
        outcome,
        milliseconds,
        _transaction.get() or "-",
        call.request_id or "-",
        call.debug_id or "-",
    )
    if (call.operation, outcome) != _ROUTINE:
        _keep_row(call, outcome, milliseconds)


def _keep_row(call: Call, outcome: str, milliseconds: int) -> None:
    """Write the row; failing at that never hides what became of the call."""
    try:
        GatewayCall.objects.create(
            operation=call.operation,
            about=call.about,
            request_id=call.request_id,
            debug_id=call.debug_id,
            outcome=outcome[:_LONGEST_OUTCOME],
            milliseconds=milliseconds,
            at=call.at,
        )
    except Exception:
        logger.exception("PayPal's call %s about %s has no row.", call.operation, call.about)
