"""A program that keeps dying waits longer each time, and is the process supervisor started."""

import subprocess
import sys
from pathlib import Path

from devtools.backoff import seconds_to_wait

_SCRIPT = Path(seconds_to_wait.__code__.co_filename)


def test_first_start_does_not_wait() -> None:
    assert seconds_to_wait(0) == 0


def test_wait_grows_and_is_bounded() -> None:
    waits = [seconds_to_wait(deaths) for deaths in range(1, 60)]
    assert waits == sorted(waits)
    assert 0 < waits[0] < waits[1]
    assert waits[-1] <= 10


def test_program_is_the_very_process(tmp_path: Path) -> None:
    command = [sys.executable, str(_SCRIPT), str(tmp_path / "state"), "-"]
    program = [sys.executable, "-c", "import os; print(os.getpid())"]
    with subprocess.Popen([*command, *program], stdout=subprocess.PIPE, text=True) as process:
        output, _ = process.communicate(timeout=30)
    assert int(output) == process.pid


def test_quick_death_is_counted(tmp_path: Path) -> None:
    command = [sys.executable, str(_SCRIPT), str(tmp_path / "state"), "-", "true"]
    said = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in "123"]
    assert [bool(one.stdout) for one in said] == [False, True, True]
    assert "2 times in a row" in said[2].stdout
