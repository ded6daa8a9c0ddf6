"""Whose promises are whose: a process owns what it promised while its database session lives.

The session holds an advisory lock under a random key and does nothing else. PostgreSQL frees the
lock when the process dies, or its host, or the connection: then the clock keeps the promises.
"""

import secrets
import threading

import psycopg2
import psycopg2.extensions
from django.db import OperationalError, connection

_CONNECT_SECONDS = 5
# The server notices within half a minute that a host is gone.
_OPTIONS = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"


class Ownership:
    """This process's key; a new one after its session was lost."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._session: psycopg2.extensions.connection | None = None
        self._key = 0

    def key(self) -> int:
        """Return the key of the lock that is held now. Raises OperationalError."""
        with self._lock:
            try:
                if not _answers(self._session):
                    self._begin()
            except psycopg2.Error as error:
                self._end()
                raise OperationalError(str(error)) from error
            return self._key

    def resign(self) -> None:
        """Leave what was promised to the clock."""
        with self._lock:
            self._end()

    def _begin(self) -> None:
        self._end()
        parameters = connection.get_connection_params()
        parameters.pop("cursor_factory", None)
        self._session = psycopg2.connect(
            **{**parameters, "connect_timeout": _CONNECT_SECONDS, "options": _OPTIONS}
        )
        self._session.autocommit = True
        self._key = secrets.randbits(62)
        with self._session.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [self._key])

    def _end(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


def _answers(session: psycopg2.extensions.connection | None) -> bool:
    if session is None:
        return False
    try:
        with session.cursor() as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.Error:
        return False
    return True


ownership = Ownership()
