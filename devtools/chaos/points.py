"""The points at which a process can die: after every commit, before and after every PayPal call.

They are found from outside, at Django's transactions and at the HTTP client, so that new code has
its points by itself.
"""

import os
import signal
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn
from unittest.mock import patch
from urllib.parse import urlsplit

from django.db import connection
from django.db.transaction import Atomic
from requests.adapters import HTTPAdapter

_WRITES = ("INSERT", "UPDATE", "DELETE")
_TOKEN = "/v1/oauth2/token"  # noqa: S105 - a path


class Died(BaseException):
    """The process was killed at this point. No `except Exception` catches it."""


def raise_died(point: str) -> NoReturn:
    raise Died(point)


def kill_process(_point: str) -> NoReturn:
    """End this very process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("SIGKILL cannot be outlived.")


@dataclass
class Points:
    """Those passed, those on the way, and at which one to die (1 for the next; None: at none)."""

    die: Callable[[str], NoReturn] = raise_died
    die_at: int | None = None
    is_watching: bool = True
    passed: list[str] = field(default_factory=list)
    captures: dict[str, set[str]] = field(default_factory=dict)  # PayPal order → request ids

    def arm(self, die_at: int | None) -> None:
        """Begin to count anew."""
        self.passed, self.die_at = [], die_at

    def pass_point(self, name: str) -> None:
        """Count a point, and die if it is the one."""
        if not self.is_watching:
            return
        self.passed.append(name)
        if len(self.passed) == self.die_at:
            self.die(name)

    @contextmanager
    def elsewhere(self) -> Generator[None]:
        """What is done in here is done by somebody else."""
        self.is_watching = False
        try:
            yield
        finally:
            self.is_watching = True

    def note_call(self, method: str, path: str, request_id: str) -> None:
        """Remember under which request ids the shop has asked for an order's money."""
        if self.is_watching and method == "POST" and path.endswith("/capture"):
            self.captures.setdefault(path.split("/")[-2], set()).add(request_id)


@contextmanager
def watched(points: Points) -> Generator[None]:
    """Let `points` see every commit and every PayPal call of this thread's connection."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(Atomic, "__exit__", _counting_commits(points)))
        stack.enter_context(patch.object(HTTPAdapter, "send", _counting_calls(points)))
        stack.enter_context(connection.execute_wrapper(_counting_writes(points)))
        yield


def _counting_commits(points: Points) -> Callable[..., None]:
    leave = Atomic.__exit__

    def leave_and_count(self: Atomic, kind: Any, error: Any, traceback: Any) -> None:
        leave(self, kind, error, traceback)
        if kind is None and not connection.in_atomic_block:
            points.pass_point("commit")

    return leave_and_count


def _counting_writes(points: Points) -> Callable[..., Any]:
    """Outside a transaction each statement is one."""

    def run(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        done = execute(sql, *rest)
        if not connection.in_atomic_block and sql.lstrip().startswith(_WRITES):
            points.pass_point("write")
        return done

    return run


def _counting_calls(points: Points) -> Callable[..., Any]:
    send = HTTPAdapter.send

    def send_and_count(self: HTTPAdapter, request: Any, *args: Any, **options: Any) -> Any:
        path = urlsplit(request.url).path
        if path == _TOKEN:
            return send(self, request, *args, **options)
        points.note_call(request.method, path, request.headers.get("PayPal-Request-Id", ""))
        points.pass_point(f"before {request.method} {path}")
        response = send(self, request, *args, **options)
        points.pass_point(f"after {request.method} {path}")
        return response

    return send_and_count
