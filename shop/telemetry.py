"""OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT says where its collector listens.

The SDK reads its own variables (OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, …) by itself.
"""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from notifications.tracing import use_tracer


def start_telemetry() -> None:
    """Record spans from now on and send them in the background, if there is where to."""
    if not settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ImproperlyConfigured(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry's SDK is not installed: "
            "pip install -r requirements-otel.txt."
        ) from error
    provider = TracerProvider(resource=Resource.create({"service.name": "ganh"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    use_tracer(provider.get_tracer("ganh"))
