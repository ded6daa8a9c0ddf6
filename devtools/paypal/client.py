"""A client for the emulator's control API, for tests."""

import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from devtools.paypal.records import JSON

_PATIENCE_SECONDS = 30


class ControlRefused(Exception):
    """The emulator refused what it was told; the message says why."""


class Emulator:
    """Steer an emulator that runs at `base_url`, and look into it."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")

    def reset(self) -> None:
        """Forget orders, faults, modes, the request log, and set the clock right."""
        self._send("POST", "/reset", {})

    def fault(
        self, route: str, kind: str, *, count: int = 1, delay_ms: int = 0, issue: str = ""
    ) -> None:
        """Make the next `count` requests to a route go wrong."""
        body = {"route": route, "kind": kind, "count": count, "delay_ms": delay_ms, "issue": issue}
        self._send("POST", "/faults", body)

    def clear_faults(self) -> None:
        self._send("DELETE", "/faults")

    def webhook_mode(self, mode: str, *, delay_ms: int = 3000) -> None:
        """Choose how webhooks travel from now on."""
        self._send("POST", "/webhooks", {"mode": mode, "delay_ms": delay_ms})

    def review(self, capture_id: str, outcome: str) -> None:
        """End a capture's review: `completed` or `denied`."""
        self._send("POST", "/reviews", {"capture": capture_id, "outcome": outcome})

    def review_refund(self, refund_id: str, outcome: str) -> None:
        """End a pending refund: `completed` or `denied`."""
        self._send("POST", "/reviews", {"refund": refund_id, "outcome": outcome})

    def reverse(self, capture_id: str) -> JSON:
        """Take a capture's money back from the merchant."""
        return dict(self._send("POST", "/reversals", {"capture": capture_id}))

    def dispute(self, capture_id: str) -> str:
        """Open a buyer's dispute and return its id."""
        opened = self._send("POST", "/disputes", {"capture": capture_id})
        return str(opened["dispute_id"])

    def resolve_dispute(self, dispute_id: str, *, winner: str) -> None:
        """Close a dispute for the `buyer` or the `seller`."""
        self._send("POST", f"/disputes/{dispute_id}", {"winner": winner})

    def send_event(self, event_type: str, resource: JSON) -> str:
        """Send a signed event that nothing has caused, and return its id."""
        body = {"event_type": event_type, "resource": resource}
        return str(self._send("POST", "/events", body)["id"])

    def advance(self, seconds: float) -> None:
        """Move the emulator's clock forward."""
        self._send("POST", "/clock", {"advance_seconds": seconds})

    def orders(self) -> list[JSON]:
        return list(self._send("GET", "/orders"))

    def captures(self, *, custom_id: str = "") -> list[JSON]:
        """Return every capture, or those of one `custom_id`, oldest first."""
        query = f"?custom_id={custom_id}" if custom_id else ""
        return list(self._send("GET", f"/captures{query}"))

    def requests(self) -> list[JSON]:
        """Return the API calls the emulator was sent, oldest first."""
        return list(self._send("GET", "/requests"))

    def _send(self, method: str, path: str, body: JSON | None = None) -> Any:
        address = urlsplit(self.base_url)
        connection = HTTPConnection(address.hostname or "", address.port, timeout=_PATIENCE_SECONDS)
        try:
            text = None if body is None else json.dumps(body)
            headers = {"Content-Type": "application/json"}
            connection.request(method, f"{address.path}/emulator{path}", text, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status >= 400:
            raise ControlRefused(answer["error"])
        return answer
