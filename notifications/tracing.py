"""One trace from a request to its emails: in the log's lines, in events, in OpenTelemetry's spans.

The trace's id is the request's: 32 hexadecimal digits, `request_id` in the log. OpenTelemetry's API
alone does nothing but carry it; with its SDK (`shop.telemetry`) each `traced` block is a span.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from random import getrandbits
from typing import ParamSpec, TypeVar

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    NoOpTracer,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    Tracer,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_tracer: Tracer = NoOpTracer()
_w3c = TraceContextTextMapPropagator()
_TRACE_BITS, _SPAN_BITS = 128, 64


def use_tracer(tracer: Tracer) -> None:
    """Let spans be recorded from now on, by OpenTelemetry's SDK."""
    global _tracer
    _tracer = tracer


def are_spans_recorded() -> bool:
    return not isinstance(_tracer, NoOpTracer)


@contextmanager
def log_scope(**facts: str) -> Generator[None]:
    """Let log lines inside carry the facts, and those that `name_in_log` adds; not those after."""
    before = get_contextvars()
    bind_contextvars(**facts)
    try:
        yield
    finally:
        clear_contextvars()
        bind_contextvars(**before)


def name_in_log(**facts: object) -> None:
    """Let the log lines of the present scope carry what it is about."""
    bind_contextvars(**{name: str(value) for name, value in facts.items()})


@contextmanager
def traced(
    name: str, *, after: str = "", kind: SpanKind = SpanKind.INTERNAL, **facts: str
) -> Generator[Span]:
    """Do something as a part of the trace: the present one, or the one of the traceparent `after`.

    Where there is neither, a trace begins.
    """
    parent = _w3c.extract({"traceparent": after}) if after else None
    span = _start(name, parent, kind)
    for fact, value in facts.items():
        span.set_attribute(f"ganh.{fact}", value)
    request_id = f"{span.get_span_context().trace_id:032x}"
    with trace.use_span(span, end_on_exit=True), log_scope(request_id=request_id, **facts):
        yield span


def note_span(name: str, *, after: str, began_ns: int, kind: SpanKind, **facts: str) -> None:
    """Record what has just ended and was done for many traces at once, in one of them."""
    parent = _w3c.extract({"traceparent": after})
    facts = {f"ganh.{fact}": value for fact, value in facts.items()}
    _tracer.start_span(name, parent, kind, facts, start_time=began_ns).end()


def _start(name: str, parent: Context | None, kind: SpanKind) -> Span:
    span = _tracer.start_span(name, context=parent, kind=kind)
    return span if span.get_span_context().is_valid else NonRecordingSpan(_new_ids())


def _new_ids() -> SpanContext:
    return SpanContext(
        trace_id=getrandbits(_TRACE_BITS),  # no secret: a name
        span_id=getrandbits(_SPAN_BITS),
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


def traceparent() -> str:
    """Return what an event carries on: W3C's header for the present span, or for a new trace."""
    ids = trace.get_current_span().get_span_context()
    if not ids.is_valid:
        ids = _new_ids()
    return f"00-{ids.trace_id:032x}-{ids.span_id:016x}-{ids.trace_flags:02x}"


def request_id_of(header: str) -> str:
    """Return the request id in a traceparent; empty if it is none."""
    parts = header.split("-")
    return parts[1] if len(parts) == 4 else ""


def carried(work: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Return the work for another thread to do as part of the present trace."""
    facts, present = get_contextvars(), contexts.get_current()

    def do(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        token = contexts.attach(present)
        try:
            with log_scope(**facts):
                return work(*args, **kwargs)
        finally:
            contexts.detach(token)

    return do
