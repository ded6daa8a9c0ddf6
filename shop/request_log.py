"""One line in the log for each request, under the id that its trace carries on to the emails."""

import logging
from time import monotonic
from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware
from opentelemetry.trace import SpanKind

from notifications.tracing import name_in_log, traced

logger = logging.getLogger(__name__)

# Asked every few seconds by machines.
_QUIET = {"/healthz", "/readyz", "/metrics"}
_SERVER_ERROR = 500
_LONGEST_ID = 100


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
        """Name what a proxy of ours calls the request; its own id is the trace's."""
        given = request.headers.get("X-Correlation-ID") if settings.TRUSTED_PROXIES else None
        if given:
            name_in_log(correlation_id=given[:_LONGEST_ID])

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        """Write the line; what failed with an unexpected error has one already."""
        if hasattr(request, "_raised_exception"):
            super().handle_response(request, response)
        elif request.path not in _QUIET or response.status_code >= _SERVER_ERROR:
            began: float = request._began  # type: ignore[attr-defined]
            told = {
                "request": self.format_request(request),
                "code": response.status_code,
                "ms": round((monotonic() - began) * 1000),
            }
            level = logging.WARNING if response.status_code >= _SERVER_ERROR else logging.INFO
            logger.log(level, "request_finished", extra=told)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Return the route, not the address: links to orders are secrets of their customers."""
        match = request.resolver_match
        return f"{request.method} /{match.route}" if match else f"{request.method} (no page)"
