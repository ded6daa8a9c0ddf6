"""A program that serves no pages holds nothing in memory that only pages need."""

import subprocess
import sys

from devtools.environment import PROJECT

_LOADED = """
import sys
import django
django.setup()
import notifications.consumer, notifications.relay
print(*sorted({name.partition(".")[0] for name in sys.modules} & set(sys.argv[1:])))
"""


def test_consumer_and_relay_load_neither_the_admins_pages_nor_paypal() -> None:
    heavy = ["openpyxl", "paypalserversdk", "PIL", "requests", "sqlalchemy"]
    command = [sys.executable, "-c", _LOADED, "confluent_kafka", *heavy]
    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["confluent_kafka"]
