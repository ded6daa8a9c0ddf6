"""How often the same thing may be tried: counted in PostgreSQL, exact over every web process.

What is counted is a keyed hash: whose address or network it was cannot be read from the table.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.db import connection, models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

_IPV6_HOME = 64  # the bits of a network address that one household shares


class AttemptCount(models.Model):
    """How often something was tried within a window of time that begins with the first try."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField()
    until = models.DateTimeField(db_index=True)

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return f"{self.key[:8]}…: {self.count} until {self.until:%H:%M:%S}"


_COUNT = f"""
    INSERT INTO {AttemptCount._meta.db_table} AS kept (key, count, until)
    VALUES (%(key)s, 1, %(until)s)
    ON CONFLICT (key) DO UPDATE SET
        count = CASE WHEN kept.until <= %(now)s THEN 1 ELSE kept.count + 1 END,
        until = CASE WHEN kept.until <= %(now)s THEN EXCLUDED.until ELSE kept.until END
    RETURNING count, extract(epoch FROM until - %(now)s)
"""  # noqa: S608 - the name of our own table


@dataclass(frozen=True)
class Limit:
    """At most `most` tries within the window, for each value of what it counts by."""

    by: str  # "network", or the name of a form's field
    most: int
    window: timedelta


def seconds_to_wait(request: HttpRequest, action: str, limits: Iterable[Limit]) -> int:
    """Count one more try of this action; return for how long it may not be done, 0: it may.

    RATE_LIMITS=off counts nothing.
    """
    if not settings.RATE_LIMITS:
        return 0
    waits = [_count(action, limit, _value(request, limit.by)) for limit in limits]
    return max(waits, default=0)


def wait_for(action: str, value: str, most: int, window: timedelta) -> int:
    """Count one more try of this action by that value; return for how long it may not be done."""
    if not settings.RATE_LIMITS:
        return 0
    return _count(action, Limit("value", most, window), value)


def name_tried(request: HttpRequest, credentials: Mapping[str, str] | None) -> str:
    """Return with which name somebody tries to sign in, alike for the shop and the admin."""
    given = credentials or {}
    found = given.get("username") or given.get("email") or request.POST.get("login", "")
    return (found or request.POST.get("username", "")).strip().casefold()[:255]


def forget_attempts() -> int:
    """Delete the counts whose time is over."""
    return AttemptCount.objects.filter(until__lt=timezone.now()).delete()[0]


def _count(action: str, limit: Limit, value: str) -> int:
    if not value:
        return 0
    now = timezone.now()
    content = f"{action} {limit.by} {value}"
    key = salted_hmac("shop.rate_limits", content, algorithm="sha256").hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"key": key, "until": now + limit.window, "now": now})
        count, left = cursor.fetchone()
    return max(1, round(left)) if count > limit.most else 0


def _value(request: HttpRequest, by: str) -> str:
    if by == "network":
        return network_of(request.META.get("REMOTE_ADDR", ""))
    return request.POST.get(by, "").strip().casefold()


def network_of(address: str) -> str:
    """Return the address, or the network of a household that has many (IPv6)."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    return str(ip_network(f"{found}/{_IPV6_HOME}", strict=False))
