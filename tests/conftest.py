"""Fixtures over real parts: PostgreSQL, Kafka, a mail server, the PayPal emulator, Chromium."""

import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from django.conf import settings as django_settings
from django.db.backends.postgresql.operations import DatabaseOperations
from pytest_django import Settings

from devtools.environment import PROJECT
from devtools.kafka.distribution import HOW_TO_GET_IT
from devtools.mailbox.client import Mailbox
from devtools.mailbox.server import MailboxServer
from devtools.ports import free_port
from notifications import delivery, smtp
from tests import services

if TYPE_CHECKING:
    from devtools.paypal.client import Emulator
    from tests.running_stack import RunningStack

# The first is the same without windows: it takes half the time.
_CHROMIUM_NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
# A browser that asks nobody but the pages it is sent to.
_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-sync",
    "--no-first-run",
)
_PARTITIONS = 4


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Start PostgreSQL before pytest-django makes this worker's database."""
    services.need("postgres")


# To TRUNCATE takes a tenth of a second and more for tables that hold a row or none. Permissions
# stay: to make them anew after each test takes as long again. Whoever still writes is waited for.
_EMPTY_ALL_TABLES = """
    DO $$
    DECLARE found regclass;
    BEGIN
        SET LOCAL session_replication_role = replica;
        FOR found IN
            SELECT oid FROM pg_class
            WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
                AND relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission')
        LOOP
            EXECUTE format('LOCK TABLE %s', found);
            IF pg_relation_size(found) > 65536 THEN
                EXECUTE format('TRUNCATE %s CASCADE', found);
            ELSIF pg_relation_size(found) > 0 THEN
                EXECUTE format('DELETE FROM %s', found);
            END IF;
        END LOOP;
    END $$
"""


@pytest.fixture(scope="session", autouse=True)
def _quick_flush() -> Generator[None]:
    """Empty the tables after each test that commits in a few milliseconds; a superuser may."""
    truncate = DatabaseOperations.execute_sql_flush

    def empty(operations: DatabaseOperations, statements: list[str]) -> None:
        with operations.connection.cursor() as cursor:
            cursor.execute("SHOW is_superuser")
            if cursor.fetchone() == ("on",):
                cursor.execute(_EMPTY_ALL_TABLES)
            else:
                truncate(operations, statements)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", empty)
        yield


# --- Kafka


@pytest.fixture(scope="session")
def kafka() -> str:
    """Say which Kafka there is: "given", "real", or "mock" (without Java)."""
    kind = services.need("kafka")
    if kind == "mock" and os.environ.get("REQUIRE_KAFKA") == "1":
        pytest.fail("Only the in-memory broker is here, and REQUIRE_KAFKA=1 asks for Kafka.")
    return kind


@pytest.fixture(scope="session")
def real_kafka(kafka: str) -> None:
    """Skip where only the in-memory broker runs."""
    if kafka == "mock":
        pytest.skip(f"Needs Apache Kafka: {HOW_TO_GET_IT}.")


@pytest.fixture
def kafka_topic(kafka: str, settings: Settings) -> Generator[str]:
    """Give the test topics and a consumer group of its own."""
    topic = f"test-{uuid.uuid4().hex[:12]}"
    settings.KAFKA_EMAIL_TOPIC = topic
    settings.KAFKA_DEAD_LETTER_TOPIC = f"{topic}.dlt"
    settings.KAFKA_EMAIL_GROUP = f"{topic}-group"
    if kafka == "mock":  # makes topics on first use and cannot delete any
        yield topic
        return
    admin = AdminClient({"bootstrap.servers": settings.KAFKA_BOOTSTRAP_SERVERS})
    both = [topic, f"{topic}.dlt"]
    created = admin.create_topics([NewTopic(name, _PARTITIONS, 1) for name in both])
    for future in created.values():
        future.result(30)
    yield topic
    for future in admin.delete_topics(both).values():
        future.result(30)


# --- Email


@pytest.fixture(scope="session")
def mailbox_server() -> Generator[MailboxServer]:
    """Run the mail server that EMAIL_URL names, for this worker and its programs."""
    with MailboxServer(http_port=free_port(), smtp_port=django_settings.EMAIL_PORT) as server:
        yield server


@pytest.fixture
def mailbox(mailbox_server: MailboxServer, settings: Settings) -> Generator[Mailbox]:
    """Yield an empty mailbox that the shop sends to, over real SMTP."""
    settings.EMAIL_BACKEND = "notifications.smtp.EmailBackend"
    mailbox = Mailbox(mailbox_server.url)
    mailbox.clear()
    mailbox.clear_faults()
    yield mailbox
    smtp.hang_up()


@pytest.fixture
def long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Defer each email for an hour: full jitter may choose no time at all."""
    monkeypatch.setattr(delivery, "_pause", lambda _: timedelta(hours=1))


# --- PayPal


@pytest.fixture(scope="session")
def _emulator_program(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """Run the PayPal emulator that PAYPAL_BASE_URL names; its webhooks go to SHOP_URL."""
    folder = tmp_path_factory.mktemp("paypal")
    port = str(urlsplit(django_settings.PAYPAL_BASE_URL).port)
    command = [sys.executable, "-m", "devtools.paypal", "--port", port, "--state-dir", str(folder)]
    webhook = f"{django_settings.SHOP_URL}/payments/paypal/webhook/"
    command += ["--webhook-url", webhook, "--webhook-id", django_settings.PAYPAL_WEBHOOK_ID]
    with (folder / "log").open("wb") as log:
        program = subprocess.Popen(command, cwd=PROJECT, stdout=log, stderr=log)
    try:
        _wait_for(program, f"{django_settings.PAYPAL_BASE_URL}/emulator/orders", folder / "log")
        yield folder
    finally:
        program.terminate()
        program.wait()


@pytest.fixture
def emulator(_emulator_program: Path, settings: Settings) -> "Emulator":
    """Return the PayPal emulator, reset, that the shop pays at."""
    settings.PAYPAL_EMULATOR_CA_FILE = str(_emulator_program / "ca.pem")
    from devtools.paypal.client import Emulator

    emulator = Emulator(settings.PAYPAL_BASE_URL)
    emulator.reset()
    return emulator


@pytest.fixture
def paypal(emulator: "Emulator", monkeypatch: pytest.MonkeyPatch) -> "Emulator":
    """Return the emulator, silent: no webhooks unless a test wants them; the client is new."""
    from payments import paypal as gateway_module

    emulator.webhook_mode("drop")
    monkeypatch.setattr(gateway_module, "_gateway", None)
    return emulator


def _wait_for(program: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            requests.get(url, timeout=5).raise_for_status()
        except requests.RequestException as error:
            if program.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{url} does not answer ({error}):\n{log.read_text()}")
            time.sleep(0.05)
        else:
            return


# --- The whole stack


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of the whole stack on one xdist worker: one stack serves them all."""
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("stack"))


@pytest.fixture(scope="session")
def _stack() -> Generator["RunningStack"]:
    from tests.running_stack import RunningStack

    stack = RunningStack(services.new_folder())
    try:
        stack.wait_ready()
        yield stack
    finally:
        left = stack.stop()
    assert left == []


@pytest.fixture
def stack(_stack: "RunningStack") -> "RunningStack":
    """Return the running stack with an empty mailbox and no faults; its data stays."""
    _stack.wait_until(_stack.is_cleared)
    return _stack


# --- Chromium


@pytest.fixture(scope="session")
def browser_path() -> str:
    """Return the system's Chromium, for pytest-playwright too."""
    for name in _CHROMIUM_NAMES:
        if found := shutil.which(name):
            return found
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail("Chromium is not installed, and REQUIRE_BROWSER=1 asks for it.")
    pytest.skip("Needs Chromium, which is not installed.")


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, Any], browser_path: str
) -> dict[str, Any]:
    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # Chromium has none for root
    arguments = [*_QUIET, *sandbox]
    return {**browser_type_launch_args, "executable_path": browser_path, "args": arguments}
