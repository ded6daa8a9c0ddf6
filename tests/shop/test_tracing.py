"""The trace of an event: begun with the request, carried on Kafka, ended with the email."""

import os
import subprocess
import sys
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.test import Client
from structlog.contextvars import clear_contextvars, get_contextvars

from devtools.environment import PROJECT
from devtools.mailbox.client import Mailbox
from devtools.paypal.client import Emulator
from notifications import tracing
from notifications.models import Event
from notifications.tracing import carried, log_scope, traced, traceparent
from tests.factories import placed_order
from tests.notifications.conftest import publish_and_consume
from tests.notifications.topic import read_topic
from tests.paying import approve

trace_sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="requirements-otel.txt")

from opentelemetry.sdk.trace import ReadableSpan  # noqa: E402
from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: E402
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: E402


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Record spans, and keep them."""
    exporter = InMemorySpanExporter()
    provider = trace_sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("ganh"))
    return exporter


def named(spans: InMemorySpanExporter, name: str) -> ReadableSpan:
    found = [span for span in spans.get_finished_spans() if span.name == name]
    assert len(found) == 1, [span.name for span in spans.get_finished_spans()]
    return found[0]


@pytest.mark.django_db(transaction=True)
def test_one_trace_leads_from_the_request_over_kafka_to_the_email(
    client: Client,
    paypal: Emulator,
    mailbox: Mailbox,
    kafka_topic: str,
    spans: InMemorySpanExporter,
) -> None:
    order = placed_order()
    client.get("/payments/paypal/return/", {"token": str(approve(order).paypal_order_id)})
    publish_and_consume()

    request = named(spans, "GET /payments/paypal/return/")
    event = Event.objects.get(type="order.confirmed")
    sent = [dict(one.headers() or []) for one in read_topic(kafka_topic)]
    headers = {str(one["ce_id"], "ascii"): str(one["traceparent"], "ascii") for one in sent}  # type: ignore[arg-type]
    header = headers[str(event.pk)]
    assert header == event.traceparent
    for name in ("publish order.confirmed", "send order.confirmed"):
        span = named(spans, name)
        assert span.context is not None
        assert request.context is not None
        assert span.context.trace_id == request.context.trace_id == int(header[3:35], 16)
        assert span.parent is not None
        assert span.parent.span_id == int(header[36:52], 16)
        assert (span.attributes or {})["ganh.order"] == order.number
    assert named(spans, "PayPal capture_order").parent is not None


def test_without_the_sdk_the_trace_is_carried_all_the_same() -> None:
    with traced("request"):
        first = traceparent()
        with traced("part of it"):
            assert traceparent()[:35] == first[:35]
    with traced("email", after=first):
        assert traceparent() == first
    assert traceparent()[:35] != first[:35]


@pytest.mark.parametrize("header", ["", "00-x-y-01", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
def test_a_header_that_is_none_begins_a_trace(header: str) -> None:
    with traced("email", after=header):
        assert int(traceparent()[3:35], 16) > 0


def test_another_thread_goes_on_with_the_trace_and_leaves_nothing_behind() -> None:
    seen: list[tuple[str, dict[str, object]]] = []

    def look() -> None:
        seen.append((traceparent()[:35], get_contextvars()))

    with traced("request", order="G1"):
        here, work = traceparent()[:35], carried(look)

    def work_then_look() -> None:
        work()
        look()

    thread = threading.Thread(target=work_then_look)
    thread.start()
    thread.join()

    assert seen[0][0] == here
    assert seen[0][1]["order"] == "G1"
    assert seen[1][0] != here
    assert seen[1][1] == {}


def test_what_a_scope_learns_ends_with_it() -> None:
    clear_contextvars()
    with log_scope(duty="a"):
        tracing.name_in_log(order="G1")
        with log_scope(order="G2"):
            assert get_contextvars() == {"duty": "a", "order": "G2"}
        assert get_contextvars() == {"duty": "a", "order": "G1"}
    assert "order" not in get_contextvars()


class Collector(BaseHTTPRequestHandler):
    """Takes spans as OpenTelemetry's collector does."""

    taken: list[tuple[str, bytes]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.taken.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Generator[str]:
    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_spans_are_sent_to_the_collector_that_is_named(collector: str) -> None:
    program = (
        "import django; django.setup()\n"
        "from notifications.tracing import traced\n"
        "with traced('buy tea'): pass\n"
    )
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
    }
    subprocess.run(
        [sys.executable, "-c", program], env=os.environ | variables, cwd=PROJECT, check=True
    )

    paths = {path for path, body in Collector.taken if b"buy tea" in body}
    assert paths == {"/v1/traces"}
