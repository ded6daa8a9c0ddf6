"""A development stack of its own, in a folder and on ports of its own, for whoever needs one whole.

The browser tests and the benchmarks use it; it shares nothing with `make run`'s.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from devtools import environment
from devtools.mailbox.client import Mailbox
from devtools.paypal.client import Emulator
from devtools.ports import free_port

_PORTS = ("WEB_PORT", "PAYPAL_PORT", "MAILBOX_PORT", "SMTP_PORT", "KAFKA_PORT")


class StackDidNotStart(Exception):
    """The stack ended before it was ready; the message is what it printed."""


class ThrowawayStack:
    """`with ThrowawayStack(ORDER_HOLD_MINUTES="1") as stack:` runs one; leaving ends it."""

    def __init__(self, **variables: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ganh-stack-"))
        self.folder.chmod(0o711)  # PostgreSQL runs as a user of its own where we are root
        self._ports = {name: str(free_port()) for name in _PORTS}
        self._environment = {**_neutral(os.environ), **self._ports, **variables}
        self._environment["DEV_DIR"] = str(self.folder)
        self.shop = f"http://127.0.0.1:{self._ports['WEB_PORT']}"
        self.mailbox = Mailbox(f"http://127.0.0.1:{self._ports['MAILBOX_PORT']}")
        self.paypal = Emulator(f"http://127.0.0.1:{self._ports['PAYPAL_PORT']}")
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "devtools", "up"],
            cwd=environment.PROJECT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        told = []
        for line in self._process.stdout or ():
            told.append(line)
            if line.startswith("Ready"):
                return self
        self._end()
        raise StackDidNotStart("".join(told))

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._end()

    @property
    def variables(self) -> dict[str, str]:
        """Return the variables with which `manage.py` reaches this stack."""
        return environment.read(self.folder / "env")

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a management command against this stack."""
        return self._run(str(environment.PROJECT / "manage.py"), *arguments)

    def control(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run supervisorctl on this stack: `control("signal", "KILL", "relay")`."""
        return self._run("-m", "devtools", "ctl", *arguments)

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=environment.PROJECT,
            env={**self._environment, **self.variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def _end(self) -> None:
        if self._process is not None:
            self._process.terminate()
            # Read on, or a full pipe would keep it from ending.
            self._process.communicate(timeout=120)
        shutil.rmtree(self.folder)


def _neutral(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without any variable of the shop's."""
    shops = environment.documented_names() | {environment.FROM_STACK}
    return {name: value for name, value in variables.items() if name not in shops}
