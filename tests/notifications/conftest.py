"""The pipeline in the test's own process, and its programs as real processes."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection
from pytest_django import Settings

from devtools.environment import PROJECT
from notifications.consumer import drain_topic
from notifications.relay import Relay
from notifications.shutdown import Shutdown

Program = subprocess.Popen[bytes]


def publish() -> int:
    """Move the outbox to Kafka."""
    return Relay(Shutdown()).drain()


def consume() -> int:
    """Send what is on the topic and due."""
    return drain_topic(Shutdown())


def publish_and_consume() -> int:
    publish()
    return consume()


def eventually(is_so: Callable[[], bool], *, seconds: float = 20) -> None:
    """Return when it is so; fail when it has not come about in time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            pytest.fail(f"Not within {seconds} s: {is_so.__doc__ or is_so}")
        time.sleep(0.02)


class Programs:
    """Starts management commands on the test's database, topic and mailbox."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.environment = environment
        self._folder = folder
        self._running: list[Program] = []

    def start(self, *command: str, program: Sequence[str] = ("manage.py",)) -> Program:
        with self._log(len(self._running)).open("wb") as log:
            started = subprocess.Popen(
                [sys.executable, *program, *command],
                cwd=PROJECT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._running.append(started)
        return started

    def kill(self, program: Program) -> None:
        program.kill()
        program.wait()

    def run(self, *command: str) -> tuple[int, str]:
        """Run to the end; return the exit status and what was printed."""
        program = self.start(*command)
        status = program.wait(60)
        return status, self._log(self._running.index(program)).read_text()

    def end(self) -> None:
        for program in self._running:
            self.kill(program)

    def _log(self, number: int) -> Path:
        return self._folder / f"program-{number}.log"


def _database_url() -> str:
    """Return DATABASE_URL with the name of the test's own database."""
    given = urlsplit(os.environ["DATABASE_URL"])
    address = given._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    # Without a host urlsplit drops the slashes that the driver insists on.
    return address if "://" in address else address.replace(":", "://", 1)


@pytest.fixture
def programs(
    transactional_db: None, kafka_topic: str, settings: Settings, tmp_path: Path
) -> Generator[Programs]:
    """Run programs as processes of their own; those left over are killed."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "DATABASE_URL": _database_url(),
        "KAFKA_EMAIL_TOPIC": kafka_topic,
        "KAFKA_EMAIL_GROUP": settings.KAFKA_EMAIL_GROUP,
    }
    started = Programs(environment, tmp_path)
    yield started
    started.end()
