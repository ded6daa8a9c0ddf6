"""A whole development stack for tests: `python -m devtools up` on ports of its own."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from io import StringIO
from pathlib import Path
from threading import Thread

import psutil
import psycopg2
import requests

from devtools import environment
from devtools.mailbox.client import Mailbox
from devtools.paypal.client import Emulator
from devtools.ports import free_port
from tests import services

_SECONDS = 120
_PORTS = ("WEB_PORT", "PAYPAL_PORT", "MAILBOX_PORT", "SMTP_PORT", "KAFKA_PORT")


class RunningStack:
    """A stack, from its start to Ctrl-C; `variables` win over the stack's own values."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.ports = {name: free_port() for name in _PORTS}
        self.environment = services.without_settings() | {
            "DEV_DIR": str(folder),
            "RATE_LIMITS": "off",
            **{name: str(port) for name, port in self.ports.items()},
            **variables,
        }
        self.url = f"http://127.0.0.1:{self.ports['WEB_PORT']}"
        self.mailbox = Mailbox(f"http://127.0.0.1:{self.ports['MAILBOX_PORT']}")
        self.emulator = Emulator(f"http://127.0.0.1:{self.ports['PAYPAL_PORT']}")
        self.lines: list[str] = []
        self.process = self._start("up")
        self._reader = Thread(target=self._read)
        self._reader.start()

    def wait_ready(self) -> None:
        """Return when the stack says that it is ready."""
        self.wait_for_line("Ready in")

    def wait_for_line(self, text: str) -> str:
        """Return the first line with this text that the stack says."""
        self.wait_until(lambda: any(text in line for line in self.lines))
        return next(line for line in self.lines if text in line)

    def wait_until(self, is_so: Callable[[], bool], seconds: float = _SECONDS) -> None:
        """Return when it is so; fail with what the stack said when time is up."""
        deadline = time.monotonic() + seconds
        while not is_so():
            said = "".join(self.lines)
            assert self.process.poll() is None, f"The stack ended:\n{said}"
            assert time.monotonic() < deadline, f"Not within {seconds} s:\n{said}"
            time.sleep(0.1)

    def is_cleared(self) -> bool:
        """Empty the mailbox and forget all faults; False while one that was killed comes back."""
        try:
            self.mailbox.clear()
            self.mailbox.clear_faults()
            self.emulator.clear_faults()
        except requests.ConnectionError:
            return False
        return True

    @contextmanager
    def stopped(self, program: str) -> Generator[None]:
        """Stop a program until the block ends, whatever becomes of it."""
        self.ctl("stop", program)
        try:
            yield
        finally:
            self.ctl("start", program)

    def ctl(self, *arguments: str) -> str:
        """Run `python -m devtools ctl …` and return what it prints."""
        output, _ = self._start("ctl", *arguments).communicate(timeout=_SECONDS)
        return output.strip()

    def manage(self, *arguments: str) -> str:
        """Run a management command as another terminal would; fail when it fails."""
        variables = environment.read(self.folder / "env")
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=environment.PROJECT,
            env=services.without_settings() | variables,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    @contextmanager
    def stock_locked(self, sku: str) -> Generator[None]:
        """Let every placement of the SKU wait, as a slow database would."""
        url = environment.read(self.folder / "env")["DATABASE_URL"]
        with closing(psycopg2.connect(url)) as session, session.cursor() as cursor:
            cursor.execute("SELECT 1 FROM inventory_stock WHERE sku = %s FOR UPDATE", [sku])
            yield

    def end(self) -> int:
        """Return the exit status of a stack that ends by itself."""
        status = self.process.wait(_SECONDS)
        self._reader.join()
        return status

    def stop(self, number: signal.Signals = signal.SIGINT) -> list[int]:
        """End the stack as Ctrl-C does; return the processes that it left behind."""
        ours = self._descendants()
        self.process.send_signal(number)
        self.process.wait(_SECONDS)
        self._reader.join()
        return [process.pid for process in ours if process.is_running()]

    def _descendants(self) -> list[psutil.Process]:
        if self.process.poll() is not None:
            return []
        return psutil.Process(self.process.pid).children(recursive=True)

    def _start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "devtools", *arguments],
            cwd=environment.PROJECT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _read(self) -> None:
        with self.process.stdout or StringIO() as said:
            for line in said:
                self.lines.append(line)
