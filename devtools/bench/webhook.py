"""A webhook answered over HTTP, beside a bare view with one insert behind the same server."""

import json
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

import requests

from devtools.bench.bare_server import bare_views
from devtools.bench.figures import Comparison
from devtools.paypal.certificates import load_certificates
from devtools.paypal.signatures import Signer
from devtools.throwaway import ThrowawayStack

_WARM_UP = 20
_RUNS = 300
_PATIENCE_SECONDS = 30


def measure(stack: ThrowawayStack) -> Comparison:
    """Deliver signed webhooks and bare ones in turn."""
    signer, webhook_id = _signer(stack), stack.variables["PAYPAL_WEBHOOK_ID"]
    ours, floor = [], []
    with bare_views(stack.variables) as bare, requests.Session() as line:
        for run in range(_WARM_UP + _RUNS):
            body = _event()
            headers = signer.headers(body, webhook_id)
            signed = _post(line, f"{stack.shop}/payments/paypal/webhook/", body, headers)
            plain = _post(line, f"{bare}/", body, headers)
            if run >= _WARM_UP:
                ours.append(signed)
                floor.append(plain)
    return Comparison(
        "POST /payments/paypal/webhook/", ours, "a bare view with one insert", floor, "≤ 3", 95
    )


def _signer(stack: ThrowawayStack) -> Signer:
    own = load_certificates(Path(stack.variables["PAYPAL_EMULATOR_CA_FILE"]).parent)
    return Signer(own, f"{stack.paypal.base_url}/v1/notifications/certs/{own.id}")


def _event() -> bytes:
    """Return an event of the usual size about nothing of ours: the clock has no work with it."""
    resource = {"id": "NOT-OURS", "padding": "x" * 1500}
    event = {"id": f"WH-{uuid.uuid4()}", "event_type": "BENCH.MEASURED", "resource": resource}
    return json.dumps(event).encode()


def _post(line: requests.Session, url: str, body: bytes, headers: Mapping[str, str]) -> float:
    began = time.perf_counter()
    line.post(url, body, headers=headers, timeout=_PATIENCE_SECONDS).raise_for_status()
    return time.perf_counter() - began
