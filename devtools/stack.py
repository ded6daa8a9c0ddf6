"""Run the whole stack in the foreground: start, tell, stop."""

import fcntl
import signal
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import psutil
import requests

from devtools import static_files
from devtools.configuration import DATABASE, Configuration
from devtools.environment import PROJECT
from devtools.kafka import distribution
from devtools.narration import Narrator
from devtools.parallel import in_parallel
from devtools.ports import holder, is_free
from devtools.programs import Program, kafka_broker, programs
from devtools.supervision import Supervisor

_SECONDS_TO_READY = 90
_DEATHS_TO_GIVE_UP = 3


class StackFailed(Exception):
    """The stack cannot run; the message is for whoever started it."""


class Stopped(Exception):
    """Ctrl-C, or a signal that asks to end."""


class Stack:
    """One run of the stack: `Stack(Configuration.read()).run()`."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._variables = configuration.variables()
        self._supervisor = Supervisor(configuration.folder)
        self._narrator = Narrator(configuration.logs)
        self._programs: list[Program] = []
        self._real_kafka = False
        self._is_stopping = False

    def run(self) -> None:
        """Start everything, say where it is, and stop everything when asked to."""
        started_at = time.monotonic()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        self._configuration.folder.mkdir(parents=True, exist_ok=True)
        with _lock(self._configuration.folder) as lock:
            self._check_ports()
            self._choose_kafka()
            process = self._start_supervisor(lock)
            try:
                self._bring_up()
                self._say_where(time.monotonic() - started_at)
                process.wait()
            except Stopped:
                pass
            finally:
                self._stop(process)

    def _ask_to_stop(self, *_: object) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            raise Stopped

    # --- Before anything runs

    def _check_ports(self) -> None:
        for name in self._configuration.used_ports():
            port = self._configuration.ports[name]
            if not is_free(port):
                who = holder(port) or "another program"
                raise StackFailed(f"Port {port} is taken by {who}: end it, or set {name}.")

    def _choose_kafka(self) -> None:
        if not self._configuration.has_kafka:
            return
        try:
            distribution.fetch()
            self._real_kafka = True
        except distribution.KafkaUnavailable as error:
            print(
                f"{error} An in-memory broker stands in for Apache Kafka and forgets all when it "
                f"ends; to get the real one, {distribution.HOW_TO_GET_IT}."
            )

    def _start_supervisor(self, lock: int) -> "subprocess.Popen[str]":
        self._programs = programs(self._configuration, real_kafka=self._real_kafka)
        self._configuration.write_environment()
        self._supervisor.configure(self._programs)
        process = self._supervisor.start(self._variables, lock=lock)
        Thread(target=self._narrate, args=[process], daemon=True).start()
        return process

    def _narrate(self, process: "subprocess.Popen[str]") -> None:
        for line in process.stdout or ():
            told = self._narrator.retell(line)
            if told and not self._is_stopping:
                print(told, flush=True)

    # --- Up

    def _bring_up(self) -> None:
        names = [program.name for program in self._programs]
        print(f"Starting {', '.join(names)} …", flush=True)
        in_parallel(
            self._bring_up_database,
            self._bring_up_kafka,
            self._bring_up_stand_ins,
            self._collect_static_files,
        )
        for name in ("web", "relay", "consumer", "clock"):
            self._supervisor.start_program(name)
        host = self._variables.get("ALLOWED_HOSTS", "").split(",")[0].strip()
        host = host or urlsplit(self._variables["SHOP_URL"]).netloc
        self._wait_for("web", f"{self._configuration.shop_url}/readyz", {"Host": host})

    def _bring_up_database(self) -> None:
        if self._configuration.has_postgres:
            postgres = self._configuration.postgres
            postgres.prepare()
            self._supervisor.start_program("postgres")
            postgres.wait_ready()
            postgres.create_database(DATABASE)
        self._run_preparation("devtools.prepare")

    def _bring_up_kafka(self) -> None:
        if self._configuration.has_kafka:
            if self._real_kafka:
                kafka_broker(self._configuration).prepare()
            self._supervisor.start_program("kafka")

    def _bring_up_stand_ins(self) -> None:
        addresses = {
            "paypal": f"{self._configuration.emulator_url}/emulator/orders",
            "mailbox": f"{self._configuration.mailbox_url}/api/messages",
        }
        own = [program.name for program in self._programs if program.name in addresses]
        for name in own:
            self._supervisor.start_program(name)
        for name in own:
            self._wait_for(name, addresses[name])

    def _collect_static_files(self) -> None:
        folder = Path(self._variables["STATIC_ROOT"])
        if not static_files.are_collected(folder):
            self._run_preparation("manage", "collectstatic", "--no-input", "--clear")
            static_files.remember(folder)

    def _run_preparation(self, *module: str) -> None:
        """Run a step that ends by itself."""
        process = self._supervisor.run(module, self._variables)
        output, _ = process.communicate()
        if process.returncode:
            raise StackFailed(f"`{' '.join(module)}` failed:\n{output.strip()}")

    def _wait_for(self, name: str, url: str, headers: dict[str, str] | None = None) -> None:
        deadline = time.monotonic() + _SECONDS_TO_READY
        while not _answers(url, headers or {}):
            is_hopeless = self._narrator.deaths[name] >= _DEATHS_TO_GIVE_UP
            if is_hopeless or time.monotonic() > deadline:
                raise StackFailed(f"{name} does not get ready. {self._end_of_log(name)}")
            time.sleep(0.1)

    def _end_of_log(self, name: str) -> str:
        path = self._configuration.logs / f"{name}.log"
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        return "\n".join([f"The end of {path}:", *lines[-15:]])

    def _say_where(self, seconds: float) -> None:
        own = {program.name for program in self._programs}
        shop = self._variables["SHOP_URL"]
        kafka = "" if self._real_kafka or "kafka" not in own else " (in memory)"
        rows = [("Shop", f"{shop}/"), ("Admin", f"{shop}/admin/ (admin / admin)")]
        if "mailbox" in own:
            rows.append(("Mailbox", f"{self._configuration.mailbox_url}/"))
        if "paypal" in own:
            rows.append(("PayPal", f"{self._configuration.emulator_url}/ (emulator, no money)"))
        rows.append(("Kafka", self._variables["KAFKA_BOOTSTRAP_SERVERS"] + kafka))
        rows.append(("Logs", f"{_shown(self._configuration.logs)}/"))
        rows.append(("Commands", f"set -a; . {_shown(self._configuration.folder)}/env; set +a"))
        print(f"\nReady in {seconds:.1f} s. Ctrl-C stops everything.\n")
        print("\n".join(f"  {name:<9} {value}" for name, value in rows), flush=True)

    # --- Down

    def _stop(self, process: "subprocess.Popen[str]") -> None:
        self._is_stopping = True
        if process.poll() is None:
            print("\nStopping …", flush=True)
            self._supervisor.stop_programs(
                program for program in self._programs if not program.last
            )
            process.terminate()
        process.wait()
        _end_children()
        print("Everything is stopped.", flush=True)


def _end_children() -> None:
    """End the steps that were still preparing something."""
    children = psutil.Process().children(recursive=True)
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.terminate()
    psutil.wait_procs(children, timeout=10)


def _shown(path: Path) -> str:
    """Return the path as one would type it in the project's folder."""
    return str(path.relative_to(PROJECT)) if path.is_relative_to(PROJECT) else str(path)


def _answers(url: str, headers: dict[str, str]) -> bool:
    try:
        return requests.get(url, headers=headers, timeout=5, allow_redirects=False).ok
    except requests.RequestException:
        return False


@contextmanager
def _lock(folder: Path) -> Generator[int]:
    """Hold the folder for this stack alone."""
    with (folder / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StackFailed(
                f"A stack already runs in {folder}: stop it with Ctrl-C where it was started, "
                "or with `.venv/bin/python -m devtools ctl shutdown`."
            ) from error
        yield file.fileno()
