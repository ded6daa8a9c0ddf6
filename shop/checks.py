"""Whether this machine's programs and PostgreSQL fit together: `check --database default`."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import connections

# Relay, consumer, clock, and a person with a command or two.
_OTHER_PROGRAMS = 5


@checks.register(checks.Tags.database)
def check_connections(
    databases: Sequence[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Compare what the web processes may open with what PostgreSQL allows."""
    if "default" not in (databases or ()):
        return []
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('max_connections')::int"
            " - current_setting('superuser_reserved_connections')::int"
        )
        allowed = cursor.fetchone()[0]
    each = settings.INTAKE_WORKERS_HERE + settings.WEB_DB_CONNECTIONS
    wanted = settings.WEB_PROCESSES * each + _OTHER_PROGRAMS
    if wanted <= allowed:
        return []
    return [
        checks.Warning(
            f"The shop may open {wanted} database connections ({settings.WEB_PROCESSES} web"
            f" processes of {each}, and {_OTHER_PROGRAMS} for other programs), but PostgreSQL"
            f" allows {allowed}.",
            hint="Lower WEB_DB_CONNECTIONS or WEB_PROCESSES, or raise max_connections.",
            id="shop.W001",
        )
    ]
