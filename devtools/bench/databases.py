"""A database of its own for a measurement."""

from collections.abc import Generator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import connection


@contextmanager
def own_database(name: str) -> Generator[None]:
    """Connect to an empty database with the shop's tables; drop it afterwards."""
    usual = connection.settings_dict["NAME"]
    _execute(f"CREATE DATABASE {name}")
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        call_command("migrate", verbosity=0)
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual
        _execute(f"DROP DATABASE {name} WITH (FORCE)")


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
