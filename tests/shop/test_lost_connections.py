"""PostgreSQL goes away before, during or after a placement's commit: one form is one order."""

import errno
import os
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import OperationalError, connection
from django.test import Client
from pytest_django import Settings

from orders.models import Order
from shop import intake
from shop.books import check_books
from shop.checkout import place_order
from shop.failures import close_answered
from shop.intake import Intake
from shop.models import FailedPlacement, PlacementPromise
from shop.placement import Placement
from tests.factories import VariantFactory, placement
from tests.paying import on_shelf
from tests.shop.pages import filled_form, form_of, put_in_cart

pytestmark = pytest.mark.django_db(transaction=True)

_PATIENCE_SECONDS = 30
Lost = Callable[[], AbstractContextManager[None]]


def cut() -> None:
    """End this thread's session at the server, as a crash of PostgreSQL does."""
    pid = connection.connection.info.backend_pid
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None)
    with closing(psycopg2.connect(**parameters)) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


@contextmanager
def before() -> Generator[None]:
    connection.ensure_connection()
    cut()
    yield


@contextmanager
def at(beginning: str) -> Generator[None]:
    """Lose the connection as the first such statement is sent."""

    def run(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.strip().startswith(beginning):
            cut()
        return execute(sql, *rest)

    with connection.execute_wrapper(run):
        yield


@contextmanager
def at_the_commit(*, is_done: bool) -> Generator[None]:
    """Lose the connection before the COMMIT, or after it, before the server's word of it comes."""
    commit = connection._commit  # type: ignore[attr-defined]

    def lose() -> None:
        if is_done:
            commit()
        cut()
        with connection.wrap_database_errors, connection.connection.cursor() as cursor:
            cursor.execute("COMMIT")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(connection, "_commit", lose)
        yield


MOMENTS = {
    "before": (before, 0),
    "its locks": (lambda: at("SELECT set_config"), 0),
    "its rows": (lambda: at("WITH step_0"), 0),
    "its stock": (lambda: at("WITH wanted"), 0),
    "its commit": (lambda: at_the_commit(is_done=False), 0),
    "the answer to its commit": (lambda: at_the_commit(is_done=True), 1),
}


@pytest.mark.parametrize(("lost", "orders"), MOMENTS.values(), ids=MOMENTS)
def test_the_form_sent_again_is_one_order(
    lost: Lost, orders: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tea = VariantFactory.create(stock=3)
    wish = placement(tea)

    def place_and_lose(wish: Placement) -> Order:
        with lost():
            return place_order(wish)

    with closing(Worker()) as worker:
        with monkeypatch.context() as broken:
            broken.setattr(intake, "place_order", place_and_lose)
            with pytest.raises(OperationalError):
                worker.place(wish)
        assert Order.objects.count() == orders
        assert FailedPlacement.objects.get().status == "OPEN"
        order = worker.place(wish)
    assert Order.objects.get() == order
    assert close_answered() == 1
    assert on_shelf(tea.sku) == (3, 1)
    assert check_books().is_balanced


class Worker:
    """An executor of one worker."""

    def __init__(self) -> None:
        self._intake = Intake(workers=1, queue=1)

    def place(self, wish: Placement) -> Order | None:
        return self._intake.submit(lambda: wish).future.result(_PATIENCE_SECONDS)

    def close(self) -> None:
        self._intake._pool.shutdown()


def test_with_database_and_disk_both_lost_nothing_is_promised(
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.SPOOL_DIR = tmp_path
    put_in_cart(client, VariantFactory.create())
    placement()  # makes the way of delivery
    form = form_of(client)
    with monkeypatch.context() as lost:
        lost.setitem(connection.settings_dict, "HOST", "/nonexistent")
        lost.setattr(os, "fsync", full_disk)
        connection.close()
        response = client.post("/checkout/", form)
    assert response.status_code == 503
    assert filled_form(response, "/checkout/")["checkout_key"] == form["checkout_key"]
    assert any(line.levelname == "CRITICAL" for line in caplog.records)
    assert list(tmp_path.iterdir()) == []
    assert not Order.objects.exists()
    assert not PlacementPromise.objects.exists()
    assert client.post("/checkout/", form).status_code == 303
    assert Order.objects.count() == 1


def full_disk(_: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")
