"""Faults that a test orders in advance: the next requests to a route go wrong in this way."""

import re
import threading
from dataclasses import dataclass

# What the wire does, whatever the request is about.
WIRE_KINDS = frozenset(
    {
        "latency",
        "http_500",
        "http_503",
        "rate_limit",
        "html_502",
        "truncated",
        "empty",
        "huge",
        "reset",
        "timeout_after_commit",
        "other_id",
        "other_amount",
        "other_currency",
    }
)

# What PayPal decides about the payment itself, and for which routes.
DECISIONS = {
    "pending_review": frozenset({"capture", "refund"}),
    "decline": frozenset({"capture", "refund"}),
    "declined_capture": frozenset({"capture"}),
    "issue": frozenset({"create", "capture", "refund"}),
}

_ID = r"[^/]+"
_ROUTES = {
    "token": ("POST", r"/v1/oauth2/token"),
    "create": ("POST", r"/v2/checkout/orders"),
    "get": ("GET", rf"/v2/checkout/orders/{_ID}"),
    "capture": ("POST", rf"/v2/checkout/orders/{_ID}/capture"),
    "refund": ("POST", rf"/v2/payments/captures/{_ID}/refund"),
    "get_capture": ("GET", rf"/v2/payments/captures/{_ID}"),
    "get_refund": ("GET", rf"/v2/payments/refunds/{_ID}"),
    "reporting": ("GET", r"/v1/reporting/transactions"),
    "certs": ("GET", rf"/v1/notifications/certs/{_ID}"),
}
ROUTES = frozenset(_ROUTES)
_PATTERNS = [(name, verb, re.compile(path)) for name, (verb, path) in _ROUTES.items()]


def route_of(method: str, path: str) -> str | None:
    """Name the route that a request is for, or None for one that cannot be made to fail."""
    for name, verb, pattern in _PATTERNS:
        if verb == method and pattern.fullmatch(path):
            return name
    return None


@dataclass
class Fault:
    """What goes wrong, `count` more times. `issue` is PayPal's code for the kind `issue`."""

    route: str
    kind: str
    count: int = 1
    delay_ms: int = 0
    issue: str = ""


class Faults:
    """The faults still to come, oldest first for each route."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, route: str | None) -> Fault | None:
        """Return the fault that the next request to this route meets, and count it."""
        with self._lock:
            fault = next((it for it in self._faults if it.route == route), None)
            if fault is None:
                return None
            fault.count -= 1
            if fault.count <= 0:
                self._faults.remove(fault)
            return fault
