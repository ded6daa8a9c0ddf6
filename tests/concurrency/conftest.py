"""Fixtures of what happens at the same moment."""

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def everyone_at_once(settings: Settings) -> None:
    """Let as many threads as a test has ask PayPal at once."""
    settings.PAYPAL_CALLS = 32
