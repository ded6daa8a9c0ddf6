"""What the storefront does around every view."""

import logging
from collections.abc import Callable
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from shop.views.errors import DATABASE_AWAY, database_away

logger = logging.getLogger(__name__)


class NetworkAddressMiddleware:
    """Makes REMOTE_ADDR the visitor's address where TRUSTED_PROXIES stand in front of the shop.

    Each proxy appends whom it was asked by to X-Forwarded-For; what stands before those was written
    by the visitor and is not believed.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if 0 < settings.TRUSTED_PROXIES <= len(hops):
            address = hops[-settings.TRUSTED_PROXIES].strip()
            if _is_address(address):
                request.META["REMOTE_ADDR"] = address
        return self.get_response(request)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


class DatabaseAwayMiddleware:
    """Answers 503, in the shop's look, when a view cannot reach PostgreSQL."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DATABASE_AWAY):
            return None
        logger.error("The database did not answer %s.", request.path, exc_info=error)
        return database_away(request)
