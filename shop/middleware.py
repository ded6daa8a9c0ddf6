"""What the storefront does around every view."""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers

from shop.rate_limits import Limit, seconds_to_wait
from shop.views.errors import DATABASE_AWAY, database_away, too_many_tries

logger = logging.getLogger(__name__)


class NetworkAddressMiddleware:
    """Makes REMOTE_ADDR the visitor's address where TRUSTED_PROXIES stand in front of the shop.

    Each proxy appends whom it was asked by to X-Forwarded-For; what stands before those was written
    by the visitor and is not believed. The zone of a link-local address (`fe80::1%eth0`) is left
    out: it is our own interface, and PostgreSQL takes no such address.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        address = request.META.get("REMOTE_ADDR", "")
        hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if 0 < settings.TRUSTED_PROXIES <= len(hops):
            told = hops[-settings.TRUSTED_PROXIES].strip()
            address = told if _is_address(told) else address
        request.META["REMOTE_ADDR"] = address.partition("%")[0]
        return self.get_response(request)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
# How often a form may be sent, by the name of its page. Wrong passwords are axes' affair, too.
LIMITS: Mapping[str, tuple[Limit, ...]] = {
    "account_login": (Limit("network", 30, _MINUTE), Limit("login", 50, _HOUR)),
    "account_reauthenticate": (Limit("network", 30, _MINUTE),),
    "account_signup": (Limit("network", 20, _HOUR), Limit("email", 5, _HOUR)),
    "account_reset_password": (Limit("network", 20, _HOUR), Limit("email", 5, _HOUR)),
    "account_reset_password_from_key": (Limit("network", 20, _HOUR),),
    "account_change_password": (Limit("network", 20, _HOUR),),
    "account_email": (Limit("network", 20, _HOUR), Limit("email", 5, _HOUR)),
    "find-order": (Limit("network", 20, _HOUR), Limit("email", 5, _HOUR)),
}


class RateLimitMiddleware:
    """Refuses a form that was sent too often, before its view does any work."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        match = request.resolver_match
        name = (match and match.url_name) or ""
        if request.method != "POST" or name not in LIMITS:
            return None
        seconds = seconds_to_wait(request, name, LIMITS[name])
        return too_many_tries(request, seconds) if seconds else None


class CachingMiddleware:
    """Lets nobody keep a page unasked: each bears its visitor's cart and form token.

    A page about somebody's account not even the browser's back button finds again.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith("/accounts/"):
            add_never_cache_headers(response)
        elif "Cache-Control" not in response:
            response["Cache-Control"] = "private, no-cache"
        return response


class MessageCookie(CookieStorage):
    """Messages for the next page, in a cookie named as all of the shop's are."""

    cookie_name = settings.MESSAGES_COOKIE_NAME


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
