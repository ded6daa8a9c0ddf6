"""PostgreSQL, PayPal emulators and databases for workers that share nothing."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg2
import requests

from devtools import environment
from devtools.ports import free_port
from devtools.postgres import Postgres

_TEMPLATE = "template_shop"
_SECONDS_TO_START = 30
# PostgreSQL's clock does not travel with ours: what is old to the shop here is young to it.
_LET_OLD_ROWS_GO = """
DO $$ DECLARE kept record; BEGIN
    FOR kept IN SELECT tgrelid::regclass AS of, tgname FROM pg_trigger
                WHERE tgname LIKE 'pgtrigger_kept_while_young%' LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', kept.of, kept.tgname);
    END LOOP;
END $$
"""


class Laboratory:
    """`with Laboratory(workers=2) as laboratory:` starts it all; leaving ends it."""

    def __init__(self, *, workers: int) -> None:
        self._workers = workers
        self.folder = Path(tempfile.mkdtemp(prefix="ganh-chaos-"))
        self.folder.chmod(0o711)  # PostgreSQL runs as a user of its own where we are root
        self._postgres = Postgres(self.folder / "postgres")
        self._ending = ExitStack()
        self._emulators = [f"http://127.0.0.1:{free_port()}" for _ in range(workers)]

    def __enter__(self) -> Self:
        self._ending.callback(shutil.rmtree, self.folder)
        with self._ending.pop_all() as ending:
            self._start_postgres(ending)
            for number, url in enumerate(self._emulators):
                self._start_emulator(ending, number, url)
            self._make_databases()
            self._ending = ending.pop_all()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._ending.close()

    def variables(self, worker: int) -> dict[str, str]:
        """Return the whole environment of one worker."""
        return self._variables(f"worker_{worker}", self._emulators[worker])

    def _variables(self, database: str, emulator: str) -> dict[str, str]:
        shops = environment.documented_names() | {environment.FROM_STACK}
        neutral = {name: value for name, value in os.environ.items() if name not in shops}
        return {
            **neutral,
            "DJANGO_SETTINGS_MODULE": "shop.settings",
            "DATABASE_URL": self._postgres.url(database),
            "PAYPAL_ENVIRONMENT": "emulator",
            "PAYPAL_BASE_URL": emulator,
            "PAYPAL_CLIENT_ID": "chaos",
            "PAYPAL_CLIENT_SECRET": "chaos",
            "PAYPAL_WEBHOOK_ID": "CHAOS",
            "SHOP_URL": "http://127.0.0.1:8000",
            "ALLOWED_HOSTS": "127.0.0.1",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",  # no event leaves the outbox here
            "EMAIL_URL": "smtp://127.0.0.1:9",
            "STAFF_EMAIL": "staff@example.com",
            "RATE_LIMITS": "off",
            "SPOOL_DIR": str(self.folder / "spool"),
            "STATIC_ROOT": str(self.folder / "static"),
            "MEDIA_ROOT": str(self.folder / "media"),
        }

    def _start_postgres(self, ending: ExitStack) -> None:
        self._postgres.prepare()
        command = [*self._postgres.command(), "-c", "fsync=off"]
        with (self.folder / "postgres.log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log, user=self._postgres.user)
        ending.callback(_end, server, signal.SIGQUIT)
        self._postgres.wait_ready()

    def _start_emulator(self, ending: ExitStack, number: int, url: str) -> None:
        command = [sys.executable, "-m", "devtools.paypal", "--port", url.rpartition(":")[2]]
        with (self.folder / f"paypal-{number}.log").open("wb") as log:
            emulator = subprocess.Popen(command, cwd=environment.PROJECT, stdout=log, stderr=log)
        ending.callback(_end, emulator, signal.SIGTERM)
        deadline = time.monotonic() + _SECONDS_TO_START
        while time.monotonic() < deadline:
            with suppress(requests.ConnectionError):
                requests.get(f"{url}/emulator/captures", timeout=5)
                return
            time.sleep(0.1)
        raise TimeoutError("The PayPal emulator does not start.")

    def _make_databases(self) -> None:
        """Migrate one database, and copy it for each worker."""
        self._postgres.create_database(_TEMPLATE)
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity=0"],
            cwd=environment.PROJECT,
            env=self._variables(_TEMPLATE, self._emulators[0]),
            check=True,
        )
        self._execute(_TEMPLATE, _LET_OLD_ROWS_GO)
        for worker in range(self._workers):
            self._execute("postgres", f"CREATE DATABASE worker_{worker} TEMPLATE {_TEMPLATE}")

    def _execute(self, database: str, statement: str) -> None:
        connection = psycopg2.connect(self._postgres.url(database))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()


def _end(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    process.send_signal(number)
    process.wait()
