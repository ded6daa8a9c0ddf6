"""One line in the log for each request, under the id that its trace carries on to the emails."""

from time import monotonic
from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware
from opentelemetry.trace import SpanKind
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

from notifications.tracing import traced

# Asked every few seconds by machines.
_QUIET = {"/healthz", "/readyz", "/metrics"}
_SERVER_ERROR = 500


class RequestLogMiddleware(RequestMiddleware):
    """Begins the request's trace; writes its route, answer and time when it has ended.

    A proxy of ours may give a trace to go on with, and an id of its own as X-Correlation-ID.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request._began = monotonic()  # type: ignore[attr-defined]
        given = request.headers.get("traceparent", "") if settings.TRUSTED_PROXIES else ""
        with traced(request.method or "", after=given, kind=SpanKind.SERVER) as span:
            response = cast(HttpResponse, super().__call__(request))
            span.update_name(self.format_request(request))
            span.set_attribute("http.response.status_code", response.status_code)
            return response

    def prepare(self, request: HttpRequest) -> None:
        """Let the request's id be the trace's, which `traced` has put into the log."""
        request_id = get_contextvars()["request_id"]
        super().prepare(request)
        bind_contextvars(request_id=request_id)

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        if request.path in _QUIET and response.status_code < _SERVER_ERROR:
            clear_contextvars()
            return
        began: float = request._began  # type: ignore[attr-defined]
        bind_contextvars(ms=round((monotonic() - began) * 1000))
        super().handle_response(request, response)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Return the route, not the address: links to orders are secrets of their customers."""
        match = request.resolver_match
        return f"{request.method} /{match.route}" if match else f"{request.method} (no page)"
