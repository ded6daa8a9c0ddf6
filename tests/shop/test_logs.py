"""The log of an order from its form to its email: under one id, telling nobody's secrets."""

import io
import json
import logging
import re
import runpy
from collections.abc import Generator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from gunicorn.config import Config
from pytest_django import Settings

from devtools.environment import PROJECT
from devtools.mailbox.client import Mailbox
from devtools.paypal.client import Emulator
from orders.models import Order
from shop.logs import DiscreetFormatter
from shop.models import Variant
from tests.notifications.conftest import publish_and_consume
from tests.paying import approve
from tests.shop.pages import form_of

CONFIRMED = "order.confirmed"
Line = dict[str, Any]


class Written(io.StringIO):
    """What was logged."""

    def lines(self) -> list[Line]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def where(self, **facts: Any) -> list[Line]:
        return [line for line in self.lines() if facts.items() <= line.items()]


@pytest.fixture
def log() -> Generator[Written]:
    """Write what is logged as production does, down to the details nobody reads there."""
    written = Written()
    handler = logging.StreamHandler(written)
    given = django_settings.LOGGING["formatters"]["line"]
    handler.setFormatter(DiscreetFormatter("json", given["secrets"]))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


def come_back(client: Client, order: Order) -> None:
    client.get("/payments/paypal/return/", {"token": str(approve(order).paypal_order_id)})


@pytest.mark.django_db(transaction=True)
def test_one_order_is_followed_from_request_to_email(
    tea: Variant, client: Client, paypal: Emulator, mailbox: Mailbox, kafka_topic: str, log: Written
) -> None:
    client.post("/checkout/", form_of(client))
    order = Order.objects.get()
    come_back(client, order)
    publish_and_consume()

    (back,) = log.where(request="GET /payments/paypal/return/", code=303)
    (sent,) = [line for line in log.lines() if re.fullmatch(r"Email \d+ is sent", line["event"])]
    published = next(line for line in log.lines() if "request_ids" in line)
    called = next(line for line in log.lines() if "PayPal capture_order" in line["event"])
    assert back["request_id"] == sent["request_id"] == called["request_id"]
    assert back["request_id"] in published["request_ids"]
    assert order.number in published["orders"]
    for line in (back, sent):
        assert (line["order"], line["transaction_id"]) == (order.number, str(order.transaction_id))
    (placed,) = log.where(request="POST /checkout/", order=order.number)
    assert placed["request_id"] != back["request_id"]


@pytest.mark.django_db(transaction=True)
def test_no_line_holds_a_secret_or_an_address(
    tea: Variant, client: Client, paypal: Emulator, mailbox: Mailbox, kafka_topic: str, log: Written
) -> None:
    client.post("/checkout/", form_of(client))
    order = Order.objects.get()
    come_back(client, order)
    client.get(order.get_absolute_url())
    mailbox.fault("permfail_550")
    publish_and_consume()
    shop = logging.getLogger("shop")
    shop.error("Not found: %s", order.get_absolute_url())
    shop.error("Refused: %s", django_settings.PAYPAL_CLIENT_SECRET)
    try:
        int(django_settings.SECRET_KEY)
    except ValueError:
        shop.exception("It failed")

    told = log.getvalue()
    for private in filter(
        None,
        (
            order.token,
            order.email,
            order.full_name,
            order.phone,
            order.line1,
            django_settings.SECRET_KEY,
            django_settings.PAYPAL_CLIENT_SECRET,
            "Bearer",
        ),
    ):
        assert private not in told
    assert log.where(request="GET /orders/<slug:number>/<slug:token>/", order=order.number)


@pytest.mark.django_db
def test_an_unexpected_error_is_told_once_with_its_traceback(
    client: Client, monkeypatch: pytest.MonkeyPatch, log: Written
) -> None:
    client.raise_request_exception = False
    monkeypatch.setattr("shop.views.cart.render", lambda *_, **__: 1 / 0)

    assert client.get("/cart/").status_code == 500

    (failed,) = [line for line in log.lines() if line.get("exception")]
    assert "ZeroDivisionError" in failed["exception"]
    assert failed["request_id"]


def test_what_machines_ask_every_few_seconds_is_not_told(client: Client, log: Written) -> None:
    client.get("/healthz")
    assert log.lines() == []


def test_a_trace_is_taken_from_our_own_proxies_alone(
    client: Client, settings: Settings, log: Written
) -> None:
    given = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    client.get("/nothing/", headers=given)
    settings.TRUSTED_PROXIES = 1
    client.get("/nothing/", headers=given)

    first, second = (line["request_id"] for line in log.where(request="GET (no page)"))
    assert first != second == "0af7651916cd43dd8448eb211c80319c"


def test_lines_for_people_hide_the_same() -> None:
    record = logging.LogRecord(
        "a", logging.INFO, "", 0, "550 <%s> sesame-open", ("a@b.example",), None
    )
    assert "550 <…@…> …" in DiscreetFormatter("lines", ["sesame-open"]).format(record)


def test_what_gunicorn_says_of_itself_is_written_alike() -> None:
    logger = runpy.run_path(str(PROJECT / "gunicorn.conf.py"))["ShopLogger"](Config())
    record = logging.LogRecord("gunicorn.error", logging.INFO, "", 0, "Booting %s", ("it",), None)

    (line,) = [handler.format(record) for handler in logger.error_log.handlers]

    assert json.loads(line)["event"] == "Booting it"
    assert not logger.access_log_enabled
