"""Fixtures of everything that pays."""

from collections.abc import Generator
from pathlib import Path

import pytest
from pytest_django import Settings

from devtools.paypal.certificates import load_certificates
from devtools.paypal.client import Emulator
from devtools.paypal.signatures import Signer
from payments import certificates
from payments.certificate_fetches import Fetches
from tests.payments.canned_paypal import CannedPayPal


@pytest.fixture
def signer(paypal: Emulator, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Signer:
    """Sign as the emulator does, with its own key; the shop knows no certificate yet."""
    monkeypatch.setattr(certificates, "_known", {})
    monkeypatch.setattr(certificates, "_fetches", Fetches())
    own = load_certificates(Path(settings.PAYPAL_EMULATOR_CA_FILE).parent)
    return Signer(own, f"{paypal.base_url}/v1/notifications/certs/{own.id}")


@pytest.fixture
def canned(settings: Settings) -> Generator[CannedPayPal]:
    """Return a PayPal that answers as the test says."""
    server = CannedPayPal()
    settings.PAYPAL_BASE_URL = server.url
    yield server
    server.close()
