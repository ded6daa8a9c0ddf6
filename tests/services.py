"""Give a test run its own PostgreSQL and Kafka, started when a test first needs them.

A plugin that pytest loads before pytest-django reads the settings. The controlling process starts
a keeper (`tests.service_keeper`) and sets the environment; xdist's workers inherit it. A set
`DATABASE_URL` or `KAFKA_BOOTSTRAP_SERVERS` is used instead, unless it came from `.dev/env`.
"""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Literal

import pytest

from devtools.environment import PROJECT, documented_names, forget_stack
from devtools.ports import free_port
from devtools.postgres import Postgres

FOLDER = "TEST_SERVICES"
_GIVEN = "TEST_SERVICES_GIVEN"
_VARIABLES = {"postgres": "DATABASE_URL", "kafka": "KAFKA_BOOTSTRAP_SERVERS"}
_ANSWERS = {"real", "mock"}

Service = Literal["postgres", "kafka"]
_keeper: "subprocess.Popen[bytes] | None" = None


class ServiceUnavailable(Exception):
    """The keeper could not start a service; the message is what it saw."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None]:
    """Set the environment before pytest-django reads the settings."""
    if FOLDER not in os.environ:
        folder = Path(tempfile.mkdtemp(prefix="ganh-tests-"))
        folder.chmod(0o711)  # PostgreSQL runs as a user of its own where the tests run as root
        _set_environment(folder)
        _start_keeper(folder)
    os.environ.update(_own_addresses())
    return (yield)


def pytest_unconfigure() -> None:
    """End the services in the process that started them."""
    global _keeper
    if _keeper is not None:
        assert _keeper.stdin is not None
        _keeper.stdin.close()
        _keeper.wait()
        _keeper = None


def without_settings() -> dict[str, str]:
    """Return the environment without what this plugin has set for the shop."""
    ours = documented_names() | {"DJANGO_SETTINGS_MODULE"}
    return {name: value for name, value in os.environ.items() if name not in ours}


def new_folder() -> Path:
    """Make a folder that PostgreSQL's own user can enter, too; it goes with the test run."""
    folder = Path(tempfile.mkdtemp(dir=os.environ[FOLDER]))
    folder.chmod(0o711)
    return folder


def need(service: Service) -> str:
    """Return once the service answers: "given", "real", or "mock" for Kafka without Java."""
    if _VARIABLES[service] in os.environ[_GIVEN].split(","):
        return "given"
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(Path(os.environ[FOLDER]) / "keeper"))
        line.sendall(f"{service}\n".encode())
        with line.makefile(encoding="utf-8") as answers:
            answer = answers.read().strip()
    if answer not in _ANSWERS:
        raise ServiceUnavailable(answer or f"The keeper ended while it started {service}.")
    return answer


def _set_environment(folder: Path) -> None:
    """Replace every variable the shop reads: no test depends on who runs it."""
    forget_stack(os.environ)
    given = {name: os.environ[name] for name in _VARIABLES.values() if os.environ.get(name)}
    for name in documented_names():
        os.environ.pop(name, None)
    os.environ.update(_defaults(folder) | given)
    os.environ[_GIVEN] = ",".join(given)
    os.environ[FOLDER] = str(folder)


def _defaults(folder: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": Postgres(folder / "postgres").url("ganh"),
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}",
        "STAFF_EMAIL": "staff@example.com",
        "RATE_LIMITS": "off",  # tests order in masses; those of the limits switch them on
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PAYPAL_ENVIRONMENT": "emulator",
        "PAYPAL_CLIENT_ID": "test-client",
        "PAYPAL_CLIENT_SECRET": "test-secret",
        "PAYPAL_WEBHOOK_ID": "TEST-WEBHOOK",
        "SPOOL_DIR": str(folder / "spool"),
        "STATIC_ROOT": str(folder / "static"),
        "MEDIA_ROOT": str(folder / "media"),
    }


def _own_addresses() -> dict[str, str]:
    """Return where the parts of this one worker are, once fixtures have started them."""
    shop = f"127.0.0.1:{free_port()}"
    return {
        "SHOP_URL": f"http://{shop}",
        "DJANGO_LIVE_TEST_SERVER_ADDRESS": shop,
        "PAYPAL_BASE_URL": f"http://127.0.0.1:{free_port()}",
        "EMAIL_URL": f"smtp://127.0.0.1:{free_port()}",
    }


def _start_keeper(folder: Path) -> None:
    """Start the keeper in a session of its own, where Ctrl-C does not reach it."""
    global _keeper
    with socket.socket(socket.AF_UNIX) as listener, (folder / "keeper.log").open("wb") as log:
        listener.bind(str(folder / "keeper"))
        listener.listen(16)  # from now on requests wait in line, even before the keeper runs
        listener.set_inheritable(True)
        _keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.service_keeper", str(folder), str(listener.fileno())],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
