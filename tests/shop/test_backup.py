"""A backup taken while orders are placed, paid and shipped, then restored: the books balance."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg2
import pytest
from django.db import connection

from devtools.environment import PROJECT
from devtools.postgres import Postgres, program
from orders.fulfilment import ship_order
from orders.models import Order
from tests import services
from tests.documented import shell_lines
from tests.shop.flows import paid_order

pytestmark = pytest.mark.django_db(transaction=True)
GUIDE = PROJECT / "docs" / "operations" / "backup.md"
RESTORED = "ganh_restored"


def documented(tool: str) -> str:
    (line,) = [line for line in shell_lines(GUIDE) if line.startswith(tool)]
    return line


def url_of(database: str) -> str:
    given = connection.get_connection_params()
    host, port = quote(str(given.get("host", "")), safe=""), given.get("port", "")
    return f"postgresql://{given['user']}@/{database}?host={host}&port={port or 5432}"


def run(line: str, folder: Path, user: str | None = None) -> None:
    """Run a line of the guide with PostgreSQL's own tools, where it would be typed."""
    variables = {
        "PATH": f"{program('psql').parent}:{os.environ['PATH']}",
        "DATABASE_URL": url_of(str(connection.settings_dict["NAME"])),
        "RESTORED_URL": url_of(RESTORED),
    }
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=folder,
        env=os.environ | variables,
        user=user,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def check(url: str) -> int:
    """Let the books that were restored be checked; return how many orders they hold."""
    for command in (["migrate", "--check"], ["check_books", "--json"]):
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=PROJECT,
            env=os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "shop.settings"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["balanced"] is True
    with closing(psycopg2.connect(url)) as session, session.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM orders_order WHERE status = 'SHIPPED'")
        return int(cursor.fetchone()[0])  # type: ignore[index]


@contextmanager
def customers_at_work() -> Generator[None]:
    """Place, pay and ship orders until the block ends; some must have been before and meanwhile."""
    over, first = threading.Event(), threading.Barrier(2)

    def shop() -> None:
        try:
            buy()
            first.wait(60)
            while not over.is_set():
                buy()
        finally:
            connection.close()

    thread = threading.Thread(target=shop)
    thread.start()
    first.wait(60)
    before = Order.objects.count()
    try:
        yield
        while Order.objects.count() == before and thread.is_alive():
            over.wait(0.01)  # the tool was quicker than a single order
    finally:
        over.set()
        thread.join()
    assert Order.objects.count() > before


def buy() -> None:
    ship_order(order_id=paid_order().pk, carrier="VNPost", tracking_number="", by="staff")


@pytest.fixture
def empty_place() -> Generator[None]:
    yield
    with closing(psycopg2.connect(url_of("postgres"))) as session, session.cursor() as cursor:
        session.autocommit = True
        cursor.execute(f"DROP DATABASE IF EXISTS {RESTORED}")


@pytest.mark.usefixtures("empty_place")
def test_a_dump_taken_under_load_is_restored_and_balances(tmp_path: Path) -> None:
    with customers_at_work():
        run(documented("pg_dump"), tmp_path)
    run(documented("createdb"), tmp_path)
    run(documented("pg_restore"), tmp_path)

    assert check(url_of(RESTORED)) >= 1


def test_a_base_backup_taken_under_load_starts_and_balances() -> None:
    if services.need("postgres") == "given":
        pytest.skip("Needs a PostgreSQL of the tests' own.")
    restored = Postgres(services.new_folder() / "restored")
    restored.prepare()
    shutil.rmtree(restored.data)
    with customers_at_work():
        run(documented("pg_basebackup"), restored.sockets, restored.user)
    (restored.sockets / "base").rename(restored.data)

    server = subprocess.Popen(restored.command(), user=restored.user, cwd="/")
    try:
        restored.wait_ready()
        assert check(restored.url(str(connection.settings_dict["NAME"]))) >= 1
    finally:
        server.terminate()
        server.wait()
