"""Keep the services of one test run: start each when first asked, end all with the run.

The run holds the other end of our standard input: when it ends, however it ends, we read the end
of the file, stop the services and remove their folder.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Lock, Thread

from devtools.kafka.broker import Kafka, wait_ready
from devtools.kafka.distribution import why_not_runnable
from devtools.postgres import Postgres


class Keeper:
    """The services of one run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # What ends each at once, children and all: nothing of a run is worth a slow goodbye.
        self._running: list[tuple[subprocess.Popen[bytes], signal.Signals]] = []
        self._answers: dict[str, str] = {}
        self._locks = {"postgres": Lock(), "kafka": Lock()}
        self._starters: dict[str, Callable[[], str]] = {
            "postgres": self._start_postgres,
            "kafka": self._start_kafka,
        }

    def answer(self, line: socket.socket) -> None:
        """Start the service that is asked for, unless it runs, and say of which kind it is."""
        with line, line.makefile(encoding="utf-8") as requests:
            service = requests.readline().strip()
            try:
                line.sendall(self._start_once(service).encode())
            except Exception as error:  # noqa: BLE001 - whatever it is, the test must hear of it
                line.sendall(f"{type(error).__name__}: {error}\n{self._log(service)}".encode())

    def stop(self) -> None:
        """End every service, one that is just starting included."""
        for lock in self._locks.values():
            lock.acquire()
        for process, last_signal in self._running:
            process.send_signal(last_signal)
        for process, _ in self._running:
            process.wait()
        shutil.rmtree(self._folder)

    def _start_once(self, service: str) -> str:
        with self._locks[service]:
            if service not in self._answers:
                self._answers[service] = self._starters[service]()
            return self._answers[service]

    def _start_postgres(self) -> str:
        postgres = Postgres(self._folder / "postgres")
        postgres.prepare()
        self._run("postgres", postgres.command(), signal.SIGQUIT, user=postgres.user)
        postgres.wait_ready()
        return "real"

    def _start_kafka(self) -> str:
        servers = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
        port = int(servers.rpartition(":")[2])
        if why_not_runnable() is None:
            kafka = Kafka(self._folder / "kafka", port)
            kafka.prepare()
            self._run("kafka", kafka.command(), signal.SIGKILL)
            kind = "real"
        else:
            command = [sys.executable, "-m", "devtools.kafka.mock", "--port", str(port)]
            self._run("kafka", command, signal.SIGKILL)
            kind = "mock"
        wait_ready(servers)
        return kind

    def _log(self, service: str) -> str:
        path = self._folder / f"{service}.log"
        return path.read_text(errors="replace")[-2000:] if path.exists() else ""

    def _run(
        self, name: str, command: list[str], last: signal.Signals, *, user: str | None = None
    ) -> None:
        with (self._folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=user
            )
        self._running.append((process, last))


def main() -> None:
    """Serve until the test run has ended."""
    keeper = Keeper(Path(sys.argv[1]))
    listener = socket.socket(fileno=int(sys.argv[2]))

    def serve() -> None:
        while True:
            line, _ = listener.accept()
            Thread(target=keeper.answer, args=[line], daemon=True).start()

    Thread(target=serve, daemon=True).start()
    sys.stdin.read()
    keeper.stop()


if __name__ == "__main__":
    main()
