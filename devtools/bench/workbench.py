"""What the measurements of the pipeline share: events, a topic, a mail sink and programs."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import psutil
from django.conf import settings
from django.db import connection

from devtools import environment
from devtools.example_events import receipt_body, receipt_personal
from devtools.ports import free_port
from notifications import kafka

_SEED = Path(__file__).with_name("events.sql")


def seed(count: int, *, lines: int) -> None:
    """Queue receipts of so many orders, with so many lines each."""
    body = receipt_body("G-1", lines=lines) | {
        "schema_version": 1,
        "valid_until": None,
        "covered_by": None,
    }
    personal = receipt_personal("G-1") | {
        "deliver_to": [
            {"role": "customer", "email": "mai@example.com", "name": "Mai Nguyễn", "locale": "en"}
        ]
    }
    with connection.cursor() as cursor:
        cursor.execute(
            _SEED.read_text(),
            {"count": count, "body": json.dumps(body), "personal": json.dumps(personal)},
        )


class Sink:
    """A mail sink in a process of its own."""

    def __init__(self) -> None:
        self.port = free_port()
        self._file = Path(tempfile.mkdtemp(prefix="ganh-bench-")) / "came"

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "devtools.bench.sink", str(self.port), str(self._file)],
            cwd=environment.PROJECT,
        )
        while not _listens(self.port):
            time.sleep(0.05)
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait()
        self._came = dict(
            line.split() for line in self._file.read_text().splitlines() if line[0] != " "
        )
        self._file.unlink()
        self._file.parent.rmdir()

    def came(self) -> dict[str, float]:
        """Return when each event's email was accepted."""
        return {event: float(at) for event, at in self._came.items()}


def _listens(port: int) -> bool:
    return any(
        one.laddr.port == port and one.status == psutil.CONN_LISTEN
        for one in psutil.net_connections("tcp")
        if one.laddr
    )


def start(command: str, sink: Sink | None = None) -> "subprocess.Popen[bytes]":
    database = connection.settings_dict["NAME"]
    given = urlsplit(os.environ["DATABASE_URL"])
    mail = {"EMAIL_URL": f"smtp://127.0.0.1:{sink.port}"} if sink else {}
    return subprocess.Popen(
        [sys.executable, "manage.py", command],
        cwd=environment.PROJECT,
        env={
            **os.environ,
            **mail,
            "DATABASE_URL": given._replace(path=f"/{database}").geturl(),
            "KAFKA_EMAIL_TOPIC": settings.KAFKA_EMAIL_TOPIC,
            "KAFKA_EMAIL_GROUP": settings.KAFKA_EMAIL_GROUP,
        },
    )


def end(programs: Sequence["subprocess.Popen[bytes]"]) -> None:
    for program in programs:
        program.send_signal(signal.SIGTERM)
    for program in programs:
        program.wait()


@contextmanager
def program(command: str) -> Generator[None]:
    program = start(command)
    try:
        yield
    finally:
        end([program])


@contextmanager
def topic() -> Generator[None]:
    """Use a topic and a group that the stack's own programs do not read."""
    usual = settings.KAFKA_EMAIL_TOPIC, settings.KAFKA_DEAD_LETTER_TOPIC, settings.KAFKA_EMAIL_GROUP
    name = f"bench-{uuid.uuid4().hex[:8]}"
    settings.KAFKA_EMAIL_TOPIC, settings.KAFKA_DEAD_LETTER_TOPIC = name, f"{name}.dlt"
    settings.KAFKA_EMAIL_GROUP = f"{name}-group"
    try:
        kafka.ensure_topics()
        yield
    finally:
        (
            settings.KAFKA_EMAIL_TOPIC,
            settings.KAFKA_DEAD_LETTER_TOPIC,
            settings.KAFKA_EMAIL_GROUP,
        ) = usual
