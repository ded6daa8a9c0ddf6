"""Supervisor: its configuration, its process, what it tells."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable
from configparser import RawConfigParser
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from devtools.environment import PROJECT
from devtools.programs import EXIT_STATUS_FOR_GOOD, Program
from devtools.sockets import socket_folder

_BACKOFF = Path(__file__).with_name("backoff.py")
_STOPPED = {"STOPPED", "EXITED", "FATAL", "UNKNOWN"}
_FOREVER = 2_000_000_000


class SupervisorDidNotStart(Exception):
    """Supervisor ended or does not answer."""


class Supervisor:
    """The supervisor of the stack in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = socket_folder(folder / "supervisor") / "rpc"
        self.configuration = folder / "supervisor" / "supervisord.conf"

    @property
    def is_running(self) -> bool:
        return self._socket.exists()

    def configure(self, programs: Iterable[Program]) -> None:
        """Write the configuration; forget what died in earlier lives."""
        state = self._folder / "supervisor" / "state"
        state.mkdir(parents=True, exist_ok=True)
        self._socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._folder / "logs").mkdir(exist_ok=True)
        for path in (*state.iterdir(), *self._socket.parent.glob("rpc*")):
            path.unlink()
        parser = RawConfigParser()
        parser.read_dict(self._sections())
        for program in programs:
            parser[f"program:{program.name}"] = self._program(program, state / program.name)
        with self.configuration.open("w", encoding="utf-8") as file:
            parser.write(file)

    def start(self, variables: dict[str, str], *, lock: int) -> "subprocess.Popen[str]":
        """Start it, out of reach of the terminal's Ctrl-C; it holds the stack's lock too."""
        command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c"]
        process = subprocess.Popen(
            [*command, str(self.configuration)],
            cwd=PROJECT,
            env=_environment(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=[lock],
            start_new_session=True,
        )
        self._wait_ready(process)
        return process

    def run(self, module: Iterable[str], variables: dict[str, str]) -> "subprocess.Popen[str]":
        """Start a step that ends by itself, with the programs' environment."""
        return subprocess.Popen(
            [sys.executable, "-m", *module],
            cwd=PROJECT,
            env=_environment(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def start_program(self, name: str) -> None:
        self._call("startProcess", name, False)

    def pid(self, name: str) -> int:
        """Return the program's process, 0 while it does not run."""
        return int(self._call("getProcessInfo", name)["pid"])

    def state(self, name: str) -> str:
        """Return supervisor's word for the program's state."""
        return str(self._call("getProcessInfo", name)["statename"])

    def stop_programs(self, programs: Iterable[Program], *, seconds: float = 35) -> None:
        """Stop these programs, all at once."""
        names = {program.name for program in programs}
        for name in names:
            try:
                self._call("stopProcess", name, False)
            except Fault as fault:
                if "NOT_RUNNING" not in fault.faultString:
                    raise
        deadline = time.monotonic() + seconds
        while not names <= self._stopped() and time.monotonic() < deadline:
            time.sleep(0.05)

    def _call(self, method: str, *arguments: Any) -> Any:
        """Call over a connection of its own: threads may call at the same time."""
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        try:
            return getattr(ServerProxy("http://127.0.0.1", transport).supervisor, method)(
                *arguments
            )
        finally:
            transport.close()

    def _stopped(self) -> set[str]:
        found = self._call("getAllProcessInfo")
        return {program["name"] for program in found if program["statename"] in _STOPPED}

    def _wait_ready(self, process: "subprocess.Popen[str]") -> None:
        deadline = time.monotonic() + 20
        while True:
            try:
                self._call("getState")
            except OSError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    process.kill()
                    output, _ = process.communicate()
                    raise SupervisorDidNotStart(output) from error
                time.sleep(0.02)
            else:
                return

    def _sections(self) -> dict[str, dict[str, str]]:
        home = self._folder / "supervisor"
        sections = {
            "supervisord": {
                "logfile": str(self._folder / "logs" / "supervisor.log"),
                "pidfile": str(home / "pid"),
                "childlogdir": str(self._folder / "logs"),
            },
            "unix_http_server": {"file": str(self._socket), "chmod": "0600"},
            "supervisorctl": {"serverurl": f"unix://{self._socket}"},
            "rpcinterface:supervisor": {
                "supervisor.rpcinterface_factory": (
                    "supervisor.rpcinterface:make_main_rpcinterface"
                ),
            },
        }
        if os.geteuid() == 0:
            sections["supervisord"]["user"] = "root"  # meant: PostgreSQL's user is changed to later
        return {name: _escaped(options) for name, options in sections.items()}

    def _program(self, program: Program, state: Path) -> dict[str, str]:
        python = [sys.executable, str(_BACKOFF), str(state), program.user or "-"]
        options = {
            "command": shlex.join([*python, *program.command]),
            "directory": str(PROJECT),
            "environment": ",".join(
                f'{name}="{value}"' for name, value in program.environment.items()
            ),
            "autostart": "false",
            # Zero, so that every end is looked at by its exit status, even an early one.
            "startsecs": "0",
            "startretries": str(_FOREVER),
            "autorestart": "unexpected",
            "exitcodes": str(EXIT_STATUS_FOR_GOOD),
            "stopsignal": program.stop_signal,
            "stopwaitsecs": str(program.stop_seconds),
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": str(self._folder / "logs" / f"{program.name}.log"),
            "stdout_logfile_backups": "1",
        }
        return _escaped(options)


def _environment(variables: dict[str, str]) -> dict[str, str]:
    return {**os.environ, **variables, "PYTHONUNBUFFERED": "1"}


def _escaped(options: dict[str, str]) -> dict[str, str]:
    return {name: value.replace("%", "%%") for name, value in options.items()}
