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
from confluent_kafka.admin import AdminClient
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
        while listener(self.port) is None:
            time.sleep(0.05)
        self._read = self._file.open()
        self._came: list[str] = []
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait()
        self._read.close()
        self._file.unlink()
        self._file.parent.rmdir()

    @property
    def pid(self) -> int:
        return self._process.pid

    def count(self) -> int:
        """Return how many emails came until now; cheap to ask often."""
        self._came += self._read.readlines()
        return len(self._came)

    def wait_for(self, count: int) -> int:
        """Wait until so many emails came; return how many there are."""
        while self.count() < count:
            time.sleep(0.05)
        return len(self._came)

    def came(self) -> dict[str, float]:
        """Return when each event's email was accepted."""
        self.count()
        return {event: float(at) for event, at in map(str.split, self._came)}


def listener(port: int) -> int | None:
    """Return the process that listens on the port."""
    found = (
        one.pid
        for one in psutil.net_connections("tcp")
        if one.laddr and one.laddr.port == port and one.status == psutil.CONN_LISTEN
    )
    return next(found, None)


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
            "LOG_FORMAT": "json",  # as in production
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
def running(*commands: str, sink: Sink | None = None) -> Generator[list["subprocess.Popen[bytes]"]]:
    """Run programs on this process's database and topic."""
    programs = [start(command, sink) for command in commands]
    try:
        yield programs
    finally:
        end(programs)


@contextmanager
def consuming(count: int, sink: Sink) -> Generator[list["subprocess.Popen[bytes]"]]:
    """Run consumers; each has its share of the partitions when this begins."""
    with running(*["run_email_consumer"] * count, sink=sink) as consumers:
        admin = AdminClient({"bootstrap.servers": settings.KAFKA_BOOTSTRAP_SERVERS})
        while _shares(admin) != [kafka.PARTITIONS // count] * count:
            time.sleep(0.1)
        yield consumers


def _shares(admin: AdminClient) -> list[int]:
    """Return how many partitions each member of the group has."""
    group = settings.KAFKA_EMAIL_GROUP
    found = admin.describe_consumer_groups([group])[group].result()
    return [len(member.assignment.topic_partitions) for member in found.members]


@contextmanager
def topic() -> Generator[None]:
    """Use a new topic and a new group: nothing that another measurement left is on it."""
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
