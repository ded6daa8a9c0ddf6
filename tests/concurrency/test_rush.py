"""A rush on a whole stack: promises outlive the web server, forms outlive PostgreSQL."""

import re
import signal
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psutil
import psycopg2
import pytest
import requests

from devtools import environment
from tests.running_stack import RunningStack

SKU = "TEA-LOTUS-50"
_CROWD = 10
_SECONDS = 30


class Customer:
    """Somebody with a cart and a filled form."""

    def __init__(self, shop: str) -> None:
        self._shop = shop
        self._browser = requests.Session()
        self._get("/cart/")
        self._post("/cart/add/", {"sku": SKU, "quantity": "1"})
        page = self._get("/checkout/").text
        found = re.search(r'name="checkout_key" value="([^"]+)"', page)
        assert found, page
        self.key = found[1]
        self.form = {
            "checkout_key": self.key,
            "email": f"{uuid.uuid4().hex}@example.com",
            "full_name": "Lan Nguyễn",
            "line1": "12 Hàng Gai",
            "city": "Hà Nội",
            "country": "VN",
        }

    def order(self) -> requests.Response:
        return self._post("/checkout/", self.form)

    def order_until_taken(self, stack: RunningStack) -> None:
        """Send the same form again and again, as its page offers, until it is an order."""
        stack.wait_until(self._is_taken)

    def state(self) -> str:
        """Return what the status page says, or that the shop is away."""
        try:
            answer = self._get(f"/checkout/{self.key}/?format=json")
        except requests.RequestException:
            return "away"
        return str(answer.json()["state"]) if answer.ok else "away"

    def _is_taken(self) -> bool:
        try:
            return bool(self.order().status_code == requests.codes.see_other)
        except requests.RequestException:
            return False

    def _get(self, path: str) -> requests.Response:
        return self._browser.get(self._shop + path, allow_redirects=False, timeout=_SECONDS)

    def _post(self, path: str, form: dict[str, str]) -> requests.Response:
        form = {**form, "csrfmiddlewaretoken": self._browser.cookies.get("csrf") or ""}
        return self._browser.post(self._shop + path, form, allow_redirects=False, timeout=_SECONDS)


@pytest.fixture
def crowd(stack: RunningStack) -> list[Customer]:
    stack.manage("set_stock", SKU, "100000")
    return [Customer(stack.url) for _ in range(_CROWD)]


def rush(crowd: list[Customer]) -> list[int]:
    """Let all order at once; return the answers' status codes."""
    with ThreadPoolExecutor(len(crowd)) as pool:
        return [answer.status_code for answer in pool.map(Customer.order, crowd)]


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
    stack.ctl("stop", "clock")
    web = web_server(stack)
    processes = web.children()
    with stack.stock_locked(SKU):  # for less time than a placement waits for a lock
        assert rush(crowd) == [303] * _CROWD
        web.send_signal(number)
    stack.wait_until(lambda: not any(process.is_running() for process in processes))
    assert orders_of(stack, crowd) == _CROWD
    stack.ctl("start", "clock")
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
        customer.order_until_taken(stack)
    stack.wait_until(lambda: all_are_ready(crowd))
    assert orders_of(stack, crowd) == _CROWD
    stack.wait_until(lambda: not list((stack.folder / "spool").glob("*.json")))
    assert "The books balance." in stack.manage("check_books")
