"""Fixtures for the PayPal emulator: one served from this process, and who speaks to it."""

from collections.abc import Generator

import pytest

from devtools.paypal.app import Server, listen
from devtools.paypal.client import Emulator
from devtools.paypal.sandbox import Options, Sandbox
from tests.devtools import paypal_openapi
from tests.devtools.paypal_listener import Listener
from tests.devtools.paypal_merchant import Merchant


@pytest.fixture(scope="session")
def paypal_server() -> Generator[Server]:
    """Serve an emulator that keeps nothing on disk."""
    listening = listen("127.0.0.1", 0)
    base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = Server(listening, Sandbox(Options(base_url)))
    yield server
    server.close()


@pytest.fixture
def paypal(paypal_server: Server) -> Emulator:
    """Return the control of a reset emulator."""
    control = Emulator(paypal_server.sandbox.options.base_url)
    control.reset()
    return control


@pytest.fixture
def merchant(paypal: Emulator) -> Merchant:
    return Merchant(paypal.base_url)


@pytest.fixture
def listener(merchant: Merchant) -> Generator[Listener]:
    """Listen to every webhook of the emulator."""
    listener = Listener()
    body = {"url": listener.url, "event_types": [{"name": "*"}]}
    registered = merchant.call("POST", "/v1/notifications/webhooks", body).json()
    yield listener
    merchant.call("DELETE", f"/v1/notifications/webhooks/{registered['id']}")
    listener.close()


@pytest.fixture
def openapi() -> None:
    """Skip, saying so, where PayPal's OpenAPI files are not."""
    if paypal_openapi.folder() is None:
        pytest.skip(
            "PayPal's OpenAPI files are not here; PAYPAL_OPENAPI_DIR may name their folder."
        )
