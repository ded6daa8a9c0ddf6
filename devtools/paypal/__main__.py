"""Run the emulator: `python -m devtools.paypal --port 8001`."""

import argparse
import logging
import os
import signal
import sys
from pathlib import Path

from devtools.paypal.app import Server, listen
from devtools.paypal.records import Webhook
from devtools.paypal.sandbox import Options, Sandbox


def _from_environment(name: str) -> str | None:
    return os.environ.get(f"PAYPAL_EMULATOR_{name}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m devtools.paypal", description="Emulate PayPal's sandbox on this machine."
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to serve (127.0.0.1)")
    add("--port", type=int, default=8001, help="port to serve; 0 takes a free one (8001)")
    add("--public-url", help="address that links begin with (http://HOST:PORT)")
    add("--state-dir", type=Path, help="folder that keeps orders and certificates over a restart")
    add("--client-id", default=_from_environment("CLIENT_ID"), help="the only client id accepted")
    add("--client-secret", default=_from_environment("CLIENT_SECRET"), help="and its secret")
    add("--webhook-url", default=_from_environment("WEBHOOK_URL"), help="where to send webhooks")
    add("--webhook-id", default=_from_environment("WEBHOOK_ID"), help="the id they are signed for")
    add("--reporting-lag", type=float, default=0, help="age of a reported transaction in seconds")
    return parser


def _options(chosen: argparse.Namespace, base_url: str) -> Options:
    if bool(chosen.webhook_url) != bool(chosen.webhook_id):
        sys.exit("Give both --webhook-url and --webhook-id, or neither.")
    webhook = Webhook(chosen.webhook_id, chosen.webhook_url) if chosen.webhook_id else None
    return Options(
        base_url=base_url,
        client_id=chosen.client_id,
        client_secret=chosen.client_secret,
        state_dir=chosen.state_dir,
        webhook=webhook,
        reporting_lag_seconds=chosen.reporting_lag,
    )


def main() -> None:
    """Serve until SIGTERM or Ctrl-C, then write the state and end with status 0."""
    chosen = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    try:
        listening = listen(chosen.host, chosen.port)
    except OSError as problem:
        sys.exit(f"Cannot serve {chosen.host}:{chosen.port}: {os.strerror(problem.errno or 0)}.")
    port = listening.getsockname()[1]
    base_url = (chosen.public_url or f"http://{chosen.host}:{port}").rstrip("/")
    server = Server(listening, Sandbox(_options(chosen, base_url)))
    print(f"PayPal emulator at {base_url}/", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    server.close()


if __name__ == "__main__":
    main()
