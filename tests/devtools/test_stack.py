"""The development stack as people use it: one command, real programs, one Ctrl-C."""

import os
import re
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Generator
from contextlib import closing
from urllib.parse import urlsplit

import psycopg2
import pytest
import requests

from devtools import environment
from devtools.environment import PROJECT
from devtools.kafka.broker import answers
from tests import services
from tests.running_stack import RunningStack

_PROGRAMS = {"postgres", "kafka", "paypal", "mailbox", "web", "relay", "consumer", "clock"}


def _running(stack: RunningStack) -> set[str]:
    lines = [line.split() for line in stack.ctl("status").splitlines()]
    return {words[0] for words in lines if words[1] == "RUNNING"}


def test_eight_programs_run(stack: RunningStack) -> None:
    assert _running(stack) == _PROGRAMS


def test_addresses_are_printed_and_answer(stack: RunningStack) -> None:
    said = "".join(stack.lines)
    for url in (f"{stack.url}/", f"{stack.url}/admin/", f"{stack.mailbox.url}/"):
        assert url in said
        assert requests.get(url, timeout=10).ok
    assert requests.get(f"{stack.url}/readyz", timeout=10).status_code == 200


def test_staff_can_sign_in(stack: RunningStack) -> None:
    page = f"{stack.url}/admin/login/?next=/admin/"
    with requests.Session() as browser:
        form = browser.get(page, timeout=10).text
        token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)[0]
        typed = {"username": "admin", "password": "admin", "csrfmiddlewaretoken": token}
        answer = browser.post(page, typed, headers={"Referer": page}, timeout=10)
    assert answer.ok
    assert answer.url == f"{stack.url}/admin/"


def _status(url: str) -> int | None:
    """Return the answer's status; None while nobody listens."""
    try:
        return requests.get(url, timeout=30).status_code
    except requests.ConnectionError:
        return None


@pytest.mark.parametrize("name", ["relay", "consumer", "clock", "web", "mailbox"])
def test_killed_program_comes_back(stack: RunningStack, name: str) -> None:
    killed = stack.ctl("pid", name)
    stack.ctl("signal", "KILL", name)
    stack.wait_for_line(f"{name} died (terminated by SIGKILL")
    stack.wait_until(lambda: stack.ctl("pid", name) not in {"0", killed})
    stack.wait_until(lambda: _status(f"{stack.url}/healthz") == 200)


def test_killed_database_comes_back_with_its_data(stack: RunningStack) -> None:
    stack.ctl("signal", "KILL", "postgres")
    stack.wait_for_line("postgres died")
    stack.wait_until(lambda: _status(f"{stack.url}/readyz") == 200)
    count = "from shop.models import Product; print(Product.objects.count())"
    assert int(stack.manage("shell", "-v", "0", "-c", count)) > 0


def test_program_stopped_by_hand_stays_stopped_until_started(stack: RunningStack) -> None:
    servers = f"127.0.0.1:{stack.ports['KAFKA_PORT']}"
    with stack.stopped("kafka"):
        assert not answers(servers)
    stack.wait_until(lambda: answers(servers))


def test_second_stack_in_the_same_folder_is_refused(stack: RunningStack) -> None:
    second = RunningStack(stack.folder)
    assert second.end() == 1
    assert "already runs" in second.lines[-1]


def test_taken_port_is_named_with_who_took_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        stack = RunningStack(services.new_folder(), MAILBOX_PORT=port)
        assert stack.end() == 1
    assert f"Port {port} is taken by" in stack.lines[-1]
    assert f"process {os.getpid()}" in stack.lines[-1]
    assert "MAILBOX_PORT" in stack.lines[-1]


@pytest.mark.parametrize("value", ["http", "0", "70000"])
def test_wrong_port_is_refused_by_name(value: str) -> None:
    stack = RunningStack(services.new_folder(), WEB_PORT=value)
    assert stack.end() == 1
    assert "WEB_PORT" in stack.lines[-1]


@pytest.fixture
def database() -> Generator[str]:
    """Make an empty database beside the tests' own; return its address."""
    services.need("postgres")
    name = f"stack_{uuid.uuid4().hex[:8]}"
    where = urlsplit(os.environ["DATABASE_URL"])
    with closing(psycopg2.connect(where._replace(path="/postgres").geturl())) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {name}")
        yield where._replace(path=f"/{name}").geturl()
        connection.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def lean_stack(kafka: str, database: str) -> Generator[RunningStack]:
    """Run a stack on services that are not its own."""
    stack = RunningStack(
        services.new_folder(),
        DATABASE_URL=database,
        KAFKA_BOOTSTRAP_SERVERS=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        EMAIL_URL="smtp://127.0.0.1:1",
    )
    stack.wait_ready()
    yield stack
    stack.stop()


def test_services_given_from_outside_are_used(lean_stack: RunningStack, database: str) -> None:
    assert _running(lean_stack) == _PROGRAMS - {"postgres", "kafka", "mailbox"}
    assert environment.read(lean_stack.folder / "env")["DATABASE_URL"] == database
    assert lean_stack.stop(signal.SIGTERM) == []
    assert lean_stack.process.returncode == 0


def test_stack_that_is_stopped_while_it_starts_leaves_no_process_behind() -> None:
    stack = RunningStack(services.new_folder())
    stack.wait_for_line("Starting")
    assert stack.stop() == []


def test_sourced_environment_reaches_the_stack(stack: RunningStack) -> None:
    script = f"set -a; . {stack.folder}/env; exec {sys.executable} manage.py check_books"
    done = subprocess.run(["sh", "-c", script], cwd=PROJECT, env={"PATH": "/bin"}, check=False)
    assert done.returncode == 0


def test_values_of_a_stack_are_forgotten_and_others_kept(stack: RunningStack) -> None:
    variables = environment.read(stack.folder / "env") | {"SHOP_NAME": "Mine"}
    environment.forget_stack(variables)
    assert variables == {"SHOP_NAME": "Mine"}
