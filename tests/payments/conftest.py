"""Fixtures of everything that pays."""

import pytest

from devtools.paypal.client import Emulator
from payments import paypal as gateway_module


@pytest.fixture
def paypal(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """Return the emulator, silent: no webhooks unless a test wants them; the client is new."""
    emulator.webhook_mode("drop")
    monkeypatch.setattr(gateway_module, "_gateway", None)
    return emulator
