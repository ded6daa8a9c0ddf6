"""An empty database with the shop's tables, beside the shop's own and on the same server."""

import secrets
from collections.abc import Generator
from contextlib import contextmanager

from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection


@contextmanager
def throwaway_database() -> Generator[None]:
    """Let this process's connections lead to a new database; drop it afterwards.

    The database's user must be allowed to create one.
    """
    usual = connection.settings_dict["NAME"]
    name = f"ganh_throwaway_{secrets.token_hex(4)}"
    quoted = connection.ops.quote_name(name)
    _execute(f"CREATE DATABASE {quoted}")
    try:
        _use(name)
        call_command("migrate", verbosity=0)
        yield
    finally:
        _use(usual)
        _execute(f"DROP DATABASE {quoted} WITH (FORCE)")


def _use(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name
    ContentType.objects.clear_cache()  # numbered anew in each database


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
