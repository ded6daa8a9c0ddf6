"""Health as load balancers ask for it: real PostgreSQL, present and away."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from devtools.ports import free_port
from notifications.heartbeat import beat


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let new connections find nobody there."""
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
    monkeypatch.setitem(connection.settings_dict, "PORT", free_port())


@pytest.mark.usefixtures("no_database")
def test_a_process_without_database_is_alive(client: Client) -> None:
    response = client.get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "alive"})


@pytest.mark.django_db(transaction=True)
def test_database_and_migrations_alone_make_it_ready(client: Client, settings: Any) -> None:
    settings.KAFKA_BOOTSTRAP_SERVERS = f"127.0.0.1:{free_port()}"

    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json()["status"] == "ready"
    assert response.json()["relay"] == "missing"


@pytest.mark.django_db(transaction=True)
def test_a_program_that_beats_is_seen(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifications.heartbeat._beaten_at", {})
    beat("consumer")

    body = client.get("/readyz").json()

    assert (body["consumers"], body["clock"]) == ("ok", "missing")


@pytest.mark.usefixtures("db", "no_database")
def test_not_ready_without_database(client: Client) -> None:
    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["database"] == "away"


@pytest.mark.django_db(transaction=True)
def test_not_ready_while_a_migration_is_missing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    coming = frozenset({("shop", "9999_not_applied")})
    monkeypatch.setattr("shop.health._migrations", lambda: coming)

    response = client.get("/readyz")

    assert (response.status_code, response.json()["migrations"]) == (503, "missing")
