"""The development stack: `python -m devtools up`, `python -m devtools ctl …`."""

import argparse
import subprocess
import sys

from devtools.configuration import Configuration, WrongConfiguration
from devtools.environment import development_folder
from devtools.kafka.broker import KafkaDidNotStart
from devtools.postgres import PostgresDidNotStart
from devtools.stack import Stack, StackFailed
from devtools.supervision import Supervisor, SupervisorDidNotStart

_FAILURES = (
    WrongConfiguration,
    StackFailed,
    KafkaDidNotStart,
    PostgresDidNotStart,
    SupervisorDidNotStart,
)


def _up() -> int:
    try:
        Stack(Configuration.read()).run()
    except _FAILURES as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _control(arguments: list[str]) -> int:
    """Run supervisorctl on the running stack."""
    folder = development_folder()
    supervisor = Supervisor(folder)
    if not supervisor.is_running:
        print(f"No stack runs in {folder}: `make run` starts one.", file=sys.stderr)
        return 1
    command = [sys.executable, "-m", "supervisor.supervisorctl"]
    command += ["-c", str(supervisor.configuration), *arguments]
    return subprocess.run(command, check=False).returncode


def main() -> int:
    """Run the command that was asked for."""
    parser = argparse.ArgumentParser(prog="python -m devtools", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start the whole stack; Ctrl-C stops it")
    control = commands.add_parser("ctl", help="status, pid, signal, stop, start … (supervisorctl)")
    control.add_argument("arguments", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    return _up() if given.command == "up" else _control(given.arguments)


if __name__ == "__main__":
    sys.exit(main())
