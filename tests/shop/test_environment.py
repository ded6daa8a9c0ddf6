"""A missing or wrong setting ends every program at start, with its name."""

import os
import subprocess
import sys

import pytest

from devtools.environment import PROJECT, documented_names

_GOOD = {
    "SECRET_KEY": "secret",
    "SHOP_URL": "http://127.0.0.1:8000",
    "DATABASE_URL": "postgres://shop@127.0.0.1/shop",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "EMAIL_URL": "smtp://127.0.0.1:8025",
    "PAYPAL_ENVIRONMENT": "emulator",
    "PAYPAL_BASE_URL": "http://127.0.0.1:8001",
    "PAYPAL_CLIENT_ID": "id",
    "PAYPAL_CLIENT_SECRET": "hush",
    "PAYPAL_WEBHOOK_ID": "webhook",
}
_WRONG = [
    ("SHOP_URL", ""),
    ("SHOP_URL", "shop.example.com"),
    ("DATABASE_URL", "mysql://shop@127.0.0.1/shop"),
    ("DATABASE_URL", "what is this"),
    ("EMAIL_URL", "carrier-pigeon://loft"),
    ("INTAKE_WORKERS", "many"),
    ("INTAKE_WORKERS", "0"),
    ("INTAKE_WORKERS", "10000"),
    ("INTAKE_QUEUE", "0"),
    ("ORDER_HOLD_MINUTES", "-1"),
    ("ORDER_HOLD_MINUTES", "nan"),
    ("RATE_LIMITS", "perhaps"),
    ("PAYPAL_ENVIRONMENT", "production"),
    ("PAYPAL_BASE_URL", "https://api-m.paypal.com"),
    ("SHOP_CURRENCY", "VND"),
]


def _check(**changes: str) -> subprocess.CompletedProcess[str]:
    shops = documented_names()
    own = {name: value for name, value in os.environ.items() if name not in shops}
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=PROJECT,
        env={**own, **_GOOD, **changes, "DJANGO_SETTINGS_MODULE": "shop.settings"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_right_settings_are_taken() -> None:
    assert _check().returncode == 0


@pytest.mark.parametrize(("name", "value"), _WRONG)
def test_wrong_setting_is_named(name: str, value: str) -> None:
    ended = _check(**{name: value})
    assert ended.returncode != 0
    assert name in ended.stderr
    assert "Traceback" not in ended.stderr


def test_emulator_cannot_be_used_by_a_shop_that_others_reach() -> None:
    ended = _check(SHOP_URL="https://shop.example.com")
    assert ended.returncode != 0
    assert "PAYPAL_ENVIRONMENT" in ended.stderr


def test_no_secret_is_told() -> None:
    ended = _check(DATABASE_URL="mysql://shop:sesame@127.0.0.1/shop")
    assert "sesame" not in ended.stderr
