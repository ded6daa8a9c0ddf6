"""A client of the mailbox, for tests and tools."""

import time
from collections.abc import Callable
from typing import Any

import requests

from devtools.mailbox.formats import FaultKind, Message, Summary

_TIMEOUT = 10


class Mailbox:
    """A mailbox at an address: `Mailbox("http://127.0.0.1:8002")`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def messages(self) -> list[Summary]:
        """Return every message, oldest first."""
        found: list[Summary] = self._call("GET", "/api/messages").json()
        return found

    def message(self, number: int) -> Message:
        found: Message = self._call("GET", f"/api/messages/{number}").json()
        return found

    def wait_for(self, is_wanted: Callable[[Summary], bool], timeout: float = 20) -> Message:
        """Return the first message that is wanted; fail when none comes in time."""
        deadline = time.monotonic() + timeout
        while True:
            messages = self.messages()
            for summary in messages:
                if is_wanted(summary):
                    return self.message(summary["id"])
            if time.monotonic() > deadline:
                subjects = [f"{message['to']}: {message['subject']}" for message in messages]
                raise AssertionError(f"No such message within {timeout} s, only {subjects}.")
            time.sleep(0.05)

    def clear(self) -> None:
        """Forget every message."""
        self._call("DELETE", "/api/messages")

    def fault(self, kind: FaultKind, *, count: int = 1, delay_ms: int = 5000) -> None:
        """Let the next `count` connections, recipients or messages meet this fault."""
        self._call("POST", "/api/faults", {"kind": kind, "count": count, "delay_ms": delay_ms})

    def clear_faults(self) -> None:
        self._call("DELETE", "/api/faults")

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> requests.Response:
        answer = requests.request(method, self.url + path, json=body, timeout=_TIMEOUT)
        answer.raise_for_status()
        return answer
