"""What the long-running programs ask of their database connection."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from zlib import crc32

from django.db import DatabaseError, InterfaceError, OperationalError, connection

# The connection is gone or the server is away; the program tries again.
DATABASE_AWAY = (OperationalError, InterfaceError)

# SQL: the keys of the advisory locks that sessions hold now; an owner is alive while it holds its.
ALIVE = """
    SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def keep_alive() -> None:
    """Notice a silent server within half a minute; for programs that hold one connection.

    Has effect on the connections opened after it.
    """
    connection.settings_dict["OPTIONS"] |= {
        "keepalives": 1,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }


@contextmanager
def loss_is_operational(is_usable: Callable[[], bool] | None = None) -> Generator[None]:
    """Turn whatever a lost connection was reported as into Django's OperationalError.

    A server that stops, or that ends a stalled transaction, is reported as an internal or an
    unspecified database error at times. `is_usable` asks of another connection than Django's.
    """
    try:
        yield
    except (OperationalError, InterfaceError):
        raise
    except DatabaseError as error:
        if (is_usable or connection.is_usable)():
            raise
        raise OperationalError(str(error)) from error


def lock_class(name: str) -> int:
    """Return the number under which PostgreSQL's two-part advisory locks know a name."""
    return crc32(name.encode()) - 2**31


def storable(text: str) -> str:
    """Return text that PostgreSQL keeps: NUL and half of a surrogate pair are no characters."""
    return text.replace("\0", "").encode(errors="backslashreplace").decode()
