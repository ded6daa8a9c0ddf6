"""What the long-running programs ask of their database connection."""

from zlib import crc32

from django.db import InterfaceError, OperationalError, connection

# The connection is gone or the server is away; the program tries again.
DATABASE_AWAY = (OperationalError, InterfaceError)


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


def lock_class(name: str) -> int:
    """Return the number under which PostgreSQL's two-part advisory locks know a name."""
    return crc32(name.encode()) - 2**31
