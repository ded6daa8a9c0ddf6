"""PayPal-Request-Id: the same call sent twice is done once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from devtools.paypal.errors import PayPalError, detail
from devtools.paypal.records import RememberedCall
from devtools.paypal.sandbox import Session

_HOUR = 3600.0
WINDOWS = {"create": 6 * _HOUR, "capture": 6 * _HOUR, "refund": 45 * 24 * _HOUR}


def recall(session: Session, operation: str, request_id: str | None) -> RememberedCall | None:
    """Return what this operation was answered with under this id, within PayPal's window."""
    if not request_id:
        return None
    key = f"{operation} {request_id}"
    call = session.books.calls.get(key)
    if call and session.now - call.at >= WINDOWS[operation]:
        del session.books.calls[key]
        return None
    return call


def remember(
    session: Session,
    operation: str,
    request_id: str | None,
    resource_id: str,
    issue: str | None = None,
) -> None:
    """Keep what this operation ended in: a resource, or a refusal about one."""
    if request_id:
        call = RememberedCall(resource_id, session.now, issue)
        session.books.calls[f"{operation} {request_id}"] = call


class InProgress:
    """The calls being worked on, so that a second one with the same id is told to wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: set[str] = set()

    @contextmanager
    def alone(self, operation: str | None, request_id: str | None) -> Iterator[None]:
        """Refuse with 409 while another call of this operation has the same id."""
        if operation not in WINDOWS or not request_id:
            yield
            return
        key = f"{operation} {request_id}"
        with self._lock:
            if key in self._calls:
                raise PayPalError(409, [detail("PREVIOUS_REQUEST_IN_PROGRESS")])
            self._calls.add(key)
        try:
            yield
        finally:
            with self._lock:
                self._calls.discard(key)
