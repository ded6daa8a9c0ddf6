"""A rush on a whole stack: promises outlive the web server, forms outlive PostgreSQL."""

import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psutil
import psycopg2
import pytest

from devtools import environment
from tests.concurrency.customers import SKU, Customer, rush
from tests.running_stack import RunningStack

_CROWD = 10


@pytest.fixture
def crowd(stack: RunningStack) -> list[Customer]:
    stack.manage("set_stock", SKU, "100000")
    return [Customer(stack.url) for _ in range(_CROWD)]


def web_server(stack: RunningStack) -> psutil.Process:
    return psutil.Process(int(stack.ctl("pid", "web").strip()))


def orders_of(stack: RunningStack, crowd: list[Customer]) -> int:
    """Return how many orders the crowd has, ended ones included."""
    addresses = [customer.form["email"] for customer in crowd]
    url = environment.read(stack.folder / "env")["DATABASE_URL"]
    with closing(psycopg2.connect(url)) as session, session.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM orders_order WHERE email = ANY(%s)", [addresses])
        (count,) = cursor.fetchone() or (0,)
    return int(count)


def all_are_ready(crowd: list[Customer]) -> bool:
    return all(customer.state() == "ready" for customer in crowd)


def test_promises_outlive_a_killed_web_server(stack: RunningStack, crowd: list[Customer]) -> None:
    web = web_server(stack)
    processes = [*web.children(), web]
    with stack.stock_locked(SKU):  # for less time than a placement waits for a lock
        assert rush(crowd) == [303] * _CROWD
        assert {customer.state() for customer in crowd} == {"waiting"}
        for process in processes:
            process.kill()
    stack.wait_until(lambda: all_are_ready(crowd))
    assert orders_of(stack, crowd) == _CROWD
    stack.wait_until(lambda: len(told(stack)) >= _CROWD)
    assert sorted(told(stack)) == sorted(customer.form["email"] for customer in crowd)
    assert "The books balance." in stack.manage("check_books")


def told(stack: RunningStack) -> list[str]:
    """Return who was told that their order can be paid."""
    return [
        message["to"][0]
        for message in stack.mailbox.messages()
        if message["headers"]["X-Event-Type"] == "order.ready_to_pay"
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["stop", "reload"])
def test_told_to_stop_or_reload_the_web_server_places_what_is_in_line(
    stack: RunningStack, crowd: list[Customer], number: signal.Signals
) -> None:
    with stack.stopped("clock"):
        web = web_server(stack)
        processes = web.children()
        with stack.stock_locked(SKU):  # for less time than a placement waits for a lock
            assert rush(crowd) == [303] * _CROWD
            web.send_signal(number)
        stack.wait_until(lambda: not any(process.is_running() for process in processes))
        assert orders_of(stack, crowd) == _CROWD
    stack.wait_until(lambda: all_are_ready(crowd))
    assert "The books balance." in stack.manage("check_books")


def test_forms_outlive_a_postgresql_that_stops_at_once(
    stack: RunningStack, crowd: list[Customer]
) -> None:
    with ThreadPoolExecutor(_CROWD) as pool:
        with stack.stock_locked(SKU):
            answers = [pool.submit(customer.order) for customer in crowd]
            stack.ctl("signal", "QUIT", "postgres")
        assert {answer.result().status_code for answer in answers} <= {303, 500, 503}
    for customer in crowd:
        stack.wait_until(customer.is_taken)
    stack.wait_until(lambda: all_are_ready(crowd))
    assert orders_of(stack, crowd) == _CROWD
    stack.wait_until(lambda: not list((stack.folder / "spool").glob("*.json")))
    assert "The books balance." in stack.manage("check_books")
