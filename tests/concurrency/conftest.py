"""Fixtures of what happens at the same moment."""

from tests.payments.conftest import paypal  # noqa: F401 - a fixture
