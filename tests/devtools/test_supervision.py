"""Programs under supervisor: restarted for ever, unless they stop themselves for good."""

import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path
from queue import Queue
from threading import Thread

import pytest

from devtools.narration import Narrator
from devtools.programs import Program
from devtools.supervision import Supervisor

_SECONDS = 30


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


_PROGRAMS = [
    Program("steady", _python("import time; time.sleep(600)")),
    Program("broken", _python("raise SystemExit(1)")),
    Program("missing", ["/no/such/program"]),
    Program("done", _python("raise SystemExit(3)")),
]


class Told:
    """What the narrator has told so far."""

    def __init__(self) -> None:
        self._lines: Queue[str] = Queue()

    def add(self, line: str) -> None:
        self._lines.put(line)

    def wait_for(self, text: str) -> str:
        while text not in (line := self._lines.get(timeout=_SECONDS)):
            continue
        return line


@pytest.fixture
def supervisor(tmp_path: Path) -> Generator[tuple[Supervisor, Told]]:
    supervisor, told, narrator = Supervisor(tmp_path), Told(), Narrator(tmp_path / "logs")
    supervisor.configure(_PROGRAMS)
    with (tmp_path / "lock").open("w") as lock:
        process = supervisor.start({}, lock=lock.fileno())

    def tell() -> None:
        for line in process.stdout or ():
            if retold := narrator.retell(line):
                told.add(retold)

    listener = Thread(target=tell)
    with process:
        listener.start()
        yield supervisor, told
        supervisor.stop_programs(_PROGRAMS)
        process.terminate()
        listener.join()


def test_killed_program_is_started_again(supervisor: tuple[Supervisor, Told]) -> None:
    running, told = supervisor
    running.start_program("steady")
    first = running.pid("steady")
    os.kill(first, signal.SIGKILL)
    assert "SIGKILL" in told.wait_for("steady died")
    told.wait_for("steady is process")
    assert running.pid("steady") not in {0, first}


@pytest.mark.parametrize("name", ["broken", "missing"])
def test_program_that_cannot_run_is_never_given_up(
    supervisor: tuple[Supervisor, Told], name: str
) -> None:
    running, told = supervisor
    running.start_program(name)
    for _ in range(4):
        told.wait_for(f"{name} died")
    assert running.state(name) != "FATAL"


def test_program_that_stopped_itself_for_good_stays_stopped(
    supervisor: tuple[Supervisor, Told],
) -> None:
    running, told = supervisor
    running.start_program("done")
    assert "ctl start done" in told.wait_for("done stopped itself for good")
    assert running.state("done") == "EXITED"


def test_stopped_program_can_be_started_by_hand(supervisor: tuple[Supervisor, Told]) -> None:
    running, told = supervisor
    for _ in "12":
        running.start_program("done")
        told.wait_for("done stopped itself for good")
