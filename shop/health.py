"""Whether the shop can serve, and who else is at work: what `/readyz` says.

PostgreSQL is asked over a connection of its own, so that a busy pool never makes the shop look
away, and every question has a short time limit.
"""

import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from time import monotonic

import psycopg2
import psycopg2.errors
import psycopg2.extensions
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from notifications import kafka
from notifications.heartbeat import silent_after

_SECONDS = 2
_KAFKA_IS_ASKED_EVERY = 5.0
# As `/readyz` calls them, and as they beat.
PROGRAMS = {"relay": "relay", "consumers": "consumer", "clock": "clock"}


class DatabaseAway(Exception):
    """PostgreSQL did not answer in time."""


@dataclass(frozen=True)
class Health:
    """Each part's state in one word; the database and its migrations decide alone."""

    parts: dict[str, str]

    @property
    def is_ready(self) -> bool:
        return self.parts["database"] == "ok" and self.parts["migrations"] == "ok"


def check_health() -> Health:
    """Look at every part."""
    parts = {
        "database": "away",
        "migrations": "unknown",
        "kafka": "ok" if _kafka.is_reachable() else "away",
        **dict.fromkeys(PROGRAMS, "unknown"),
    }
    try:
        with _session() as cursor:
            parts["database"] = "ok"
            parts["migrations"] = _check_migrations(cursor)
            if parts["migrations"] == "ok":
                parts |= _check_programs(cursor)
    except DatabaseAway:
        parts["database"] = "away"
    return Health(parts)


def require_database() -> None:
    """Raise DatabaseAway, within seconds, unless PostgreSQL answers."""
    with _session() as cursor:
        cursor.execute("SELECT 1")


def _check_migrations(cursor: psycopg2.extensions.cursor) -> str:
    try:
        cursor.execute("SELECT app, name FROM django_migrations")
    except psycopg2.errors.UndefinedTable:
        return "missing"
    return "ok" if _migrations() <= set(cursor.fetchall()) else "missing"


def _check_programs(cursor: psycopg2.extensions.cursor) -> dict[str, str]:
    cursor.execute(
        "SELECT DISTINCT program FROM notifications_heartbeat WHERE at > now() - %s",
        [silent_after()],
    )
    alive = {program for (program,) in cursor.fetchall()}
    return {name: "ok" if program in alive else "missing" for name, program in PROGRAMS.items()}


@contextmanager
def _session() -> Generator[psycopg2.extensions.cursor]:
    parameters = connection.get_connection_params() | {
        "connect_timeout": _SECONDS,
        "options": f"-c statement_timeout={_SECONDS * 1000}",
    }
    parameters.pop("cursor_factory", None)
    try:
        with closing(psycopg2.connect(**parameters)) as session, session.cursor() as cursor:
            session.autocommit = True
            yield cursor
    except psycopg2.Error as error:
        raise DatabaseAway(str(error)) from error


@cache
def _migrations() -> frozenset[tuple[str, str]]:
    """Return every migration that this version of the shop has."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)


class _Kafka:
    """Asks Kafka now and then, one thread at a time; the others are told what it last said."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked_at = -_KAFKA_IS_ASKED_EVERY
        self._answered = False

    def is_reachable(self) -> bool:
        if self._lock.acquire(blocking=False):
            try:
                if monotonic() - self._asked_at > _KAFKA_IS_ASKED_EVERY:
                    self._answered = kafka.is_reachable(_SECONDS)
                    self._asked_at = monotonic()
            finally:
                self._lock.release()
        return self._answered


_kafka = _Kafka()
