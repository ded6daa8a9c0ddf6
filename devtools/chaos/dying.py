"""Run the relay or the consumer in a process that dies at a named point, as `kill -9` kills it.

The points are put into the programs from outside. One process has everything loaded and forks for
each run: `with Dying(environment, log) as dying: dying.run("run_outbox_relay", at="claimed")`.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from devtools.chaos.points import kill_process
from devtools.environment import PROJECT

KILLED = -9
_BEFORE, _AFTER = "before", "after"

# Name → whose method, and on which side of it. A point counts only calls that did something.
RELAY_POINTS = {
    "claimed": ("notifications.relay", "_claim", _AFTER),
    "half produced": ("notifications.kafka.Producer", "_produce", _AFTER),
    "published": ("notifications.kafka.Producer", "publish", _AFTER),
    "to be deleted": ("notifications.relay", "_settle", _BEFORE),
    "deleted": ("notifications.relay", "_settle", _AFTER),
    "committed": ("notifications.relay.Relay", "_publish_batch", _AFTER),
}
CONSUMER_POINTS = {
    "fetched": ("notifications.kafka.Consumer", "fetch", _AFTER),
    "claimed": ("notifications.ledger.Owner", "claim", _AFTER),
    "taken up": ("notifications.ledger.Owner", "take_due", _AFTER),
    "to be written": ("notifications.delivery", "write_email", _BEFORE),
    "written": ("notifications.delivery", "write_email", _AFTER),
    "announced": ("notifications.mailer.Mailer", "announce", _AFTER),
    "to be sending": ("notifications.ledger.Owner", "begin_advance", _AFTER),
    "sending": ("notifications.ledger.Owner", "end_advance", _AFTER),
    "handed over": ("notifications.mailer.Mailer", "hand_over", _AFTER),
    "taken": ("notifications.mailer.Mailer", "reply", _AFTER),
    "to be recorded": ("notifications.delivery.Dispatcher", "_record_done", _BEFORE),
    "recorded": ("notifications.delivery.Dispatcher", "_record_done", _AFTER),
    "put down": ("notifications.ledger.Owner", "release", _AFTER),
    "to be committed": ("notifications.kafka.Consumer", "commit", _BEFORE),
    "committed": ("notifications.kafka.Consumer", "commit", _AFTER),
}
POINTS = {"run_outbox_relay": RELAY_POINTS, "run_email_consumer": CONSUMER_POINTS}
_ANSWERS_WITH_WORK = {"_claim", "_publish_batch", "fetch", "claim", "take_due", "end_advance"}


class Dying:
    """The parent of those that die."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as written:
            self._program = subprocess.Popen(
                [sys.executable, "-m", "devtools.chaos.dying"],
                cwd=PROJECT,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=written,
                text=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._program.communicate()

    def run(self, command: str, *, at: str | None = None, nth: int = 1) -> bool:
        """Run the command once; it dies when it passes the point for the nth time.

        Return whether it did; without a point it must come to its end.
        """
        if self._program.stdin is None or self._program.stdout is None:
            raise RuntimeError("The program has no pipes.")
        self._program.stdin.write(json.dumps([command, at, nth]) + "\n")
        self._program.stdin.flush()
        status = self._program.stdout.readline().strip()
        if status not in {"0", str(KILLED)} or (at is None and status != "0"):
            raise RuntimeError(f"{command} ended with {status}:\n{self._log.read_text()}")
        return status == str(KILLED)


def _arm(
    command: str, point: str, nth: int = 1, end: Callable[[str], object] = kill_process
) -> None:
    """Let this process die there, or come to another end."""
    place, name, side = POINTS[command][point]
    owner = _find(place)
    call: Callable[..., Any] = getattr(owner, name)
    passed = count(1)

    def pass_point() -> None:
        if next(passed) == nth:
            end(point)

    def run(*args: Any, **options: Any) -> Any:
        if side == _BEFORE:
            pass_point()
        done = call(*args, **options)
        if side == _AFTER and (done or name not in _ANSWERS_WITH_WORK):
            pass_point()
        return done

    setattr(owner, name, run)


def _find(place: str) -> Any:
    module, _, name = place.rpartition(".")
    if name[0].isupper():
        return getattr(sys.modules[module], name)
    return sys.modules[place]


def _serve() -> None:
    """Fork for each line read, and answer with the exit status."""
    import django

    django.setup()
    from django.core.management import call_command, load_command_class

    for name in POINTS:
        load_command_class("notifications", name)  # what it imports is loaded once
    answers = os.dup(1)
    os.dup2(2, 1)  # what the commands print goes to the log
    for line in sys.stdin:
        command, point, nth = json.loads(line)
        child = os.fork()
        if child == 0:
            if point:
                _arm(command, point, nth)
            call_command(command, "--once")
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.write(answers, f"{status}\n".encode())


def _stall_with_the_lead(stalled_after: str) -> None:
    """Run a relay that stops dead, as in a long pause of the machine, once Kafka has its rows."""
    import django

    django.setup()
    from django.core.management import call_command

    from notifications import relay

    relay.STALLED_AFTER = stalled_after
    _arm("run_outbox_relay", "published", end=lambda _: os.kill(os.getpid(), signal.SIGSTOP))
    call_command("run_outbox_relay")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _stall_with_the_lead(sys.argv[1])
    else:
        _serve()
