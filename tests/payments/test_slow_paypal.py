"""PayPal slow or away: few wait, everybody else is told calmly, and each call leaves its trace."""

import logging
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import settings as shop_settings
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from prometheus_client import REGISTRY
from pytest_django import Settings

from devtools.paypal.client import Emulator
from inventory.models import StockHold
from orders.models import Order
from payments import duties, opening
from payments.gateway import Unanswered
from payments.models import GatewayCall, PaymentAttempt
from payments.opening import approval_url
from payments.paypal import gateway
from payments.paypal_http import BoundedClient
from payments.settlement import settle
from shop.timeline import timeline_of
from tests.factories import placed_order
from tests.paying import approve, open_at_paypal, standing
from tests.shop.pages import text_of
from tests.together import together

RETURN = "/payments/paypal/return/"


@pytest.fixture
def order() -> Order:
    return placed_order()


@contextmanager
def every_place_taken() -> Generator[None]:
    """Behave as if as many calls as may wait for PayPal did."""
    with ExitStack() as places:
        for _ in range(shop_settings.PAYPAL_CALLS):
            places.enter_context(gateway()._breaker.admit())
        yield


def start(order: Order, client: Client | None = None) -> Any:
    return (client or Client()).get(reverse("payment-start", args=[order.transaction_id]))


# --- What the customer sees


@pytest.mark.django_db
def test_start_says_at_once_that_paypal_is_slow(
    paypal: Emulator, order: Order, client: Client
) -> None:
    with every_place_taken():
        response = start(order, client)
    assert (response.status_code, response["Location"]) == (303, order.get_absolute_url())
    page = client.get(order.get_absolute_url())
    assert "PayPal is slow at the moment. Your items are set aside" in page.text
    assert "Pay now" in page.text
    assert paypal.requests() == []


@pytest.mark.django_db
def test_items_no_longer_held_are_not_said_to_be(
    paypal: Emulator, order: Order, client: Client
) -> None:
    StockHold.objects.update(held_until=timezone.now())
    with every_place_taken():
        start(order, client)
    page = client.get(order.get_absolute_url())
    assert "PayPal is slow at the moment. Nothing was charged; please try again." in page.text
    assert "Your items are set aside" not in page.text


@pytest.mark.django_db
def test_a_refused_opening_is_not_called_slow(
    paypal: Emulator, order: Order, client: Client
) -> None:
    paypal.fault("create", "issue", issue="DUPLICATE_INVOICE_ID")
    start(order, client)
    page = client.get(order.get_absolute_url())
    assert "PayPal could not open the payment. Nothing was charged" in page.text


@pytest.mark.django_db
def test_an_unanswered_return_is_being_confirmed_until_the_clock_has_settled_it(
    paypal: Emulator, order: Order, client: Client
) -> None:
    attempt = approve(order)
    with every_place_taken():
        page = client.get(RETURN, {"token": str(attempt.paypal_order_id)}, follow=True)
    assert "Your payment is being confirmed. PayPal is slow" in text_of(page)
    assert 'data-poll="2"' in page.content.decode()
    assert duties.ask_paypal() == 1
    assert standing(order) == ("SUCCESS", "SUCCESS", "")
    assert "Your order is paid" in text_of(client.get(order.get_absolute_url()))


@pytest.mark.django_db
def test_a_return_that_stays_unconfirmed_may_pay_again(
    paypal: Emulator, order: Order, client: Client
) -> None:
    open_at_paypal(order)
    PaymentAttempt.objects.update(came_back_at=timezone.now() - timedelta(minutes=11))
    assert "Pay now" in text_of(client.get(order.get_absolute_url()))


@pytest.mark.django_db
def test_a_return_without_approval_is_not_being_confirmed_once_paypal_says_so(
    paypal: Emulator, order: Order, client: Client
) -> None:
    token = str(open_at_paypal(order).paypal_order_id)
    paypal.fault("get", "http_503")
    client.get(RETURN, {"token": token})
    page = client.get(RETURN, {"token": token}, follow=True)
    assert "Your order is waiting for its payment" in text_of(page)


@pytest.mark.django_db
def test_what_the_clock_cannot_ask_stays_due(paypal: Emulator) -> None:
    for _ in range(4):
        open_at_paypal(placed_order())
    PaymentAttempt.objects.update(ask_at=timezone.now())
    with every_place_taken():
        assert duties.ask_paypal() == 0
    assert PaymentAttempt.objects.filter(ask_at__lte=timezone.now()).count() == 3


# --- "Pay now" pressed twice at once


@pytest.mark.django_db(transaction=True)
def test_pay_now_pressed_twice_leads_to_one_page_of_paypals(paypal: Emulator, order: Order) -> None:
    paypal.fault("create", "latency", delay_ms=700)
    first, second = together([partial(approval_url, order.transaction_id)] * 2)
    assert isinstance(first, str)
    assert first == second
    assert len(paypal.orders()) == 1
    assert PaymentAttempt.objects.get().approve_url == first


@pytest.mark.django_db(transaction=True)
def test_a_twin_that_is_never_answered_is_not_waited_for_long(
    paypal: Emulator, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "TWIN_SECONDS", 0.2)
    paypal.fault("create", "latency", delay_ms=2000)
    paypal.fault("create", "reset")
    outcomes = together([partial(start, order)] * 2)
    places = sorted(response["Location"] for response in outcomes)  # type: ignore[index]
    assert places == sorted([order.get_absolute_url(), PaymentAttempt.objects.get().approve_url])


# --- What nobody has to wait for


@pytest.mark.django_db(transaction=True)
def test_no_connection_is_held_while_paypal_is_asked(
    paypal: Emulator, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = []
    execute = BoundedClient.execute

    def asked(client: BoundedClient, request: Any, configuration: Any) -> Any:
        held.append(connection.connection is not None)
        return execute(client, request, configuration)

    monkeypatch.setattr(BoundedClient, "execute", asked)
    start(order)
    Client().get(RETURN, {"token": str(approve(order).paypal_order_id)})
    assert len(held) >= 4  # token, create, get, capture
    assert not any(held)
    assert standing(order) == ("SUCCESS", "SUCCESS", "")


@pytest.mark.django_db(transaction=True)
def test_customers_beyond_the_limit_are_answered_while_the_others_wait(
    paypal: Emulator, settings: Settings
) -> None:
    settings.PAYPAL_CALLS = 2
    orders = [placed_order() for _ in range(8)]
    gateway().get_order(str(open_at_paypal(orders[0]).paypal_order_id))  # a token is there
    before = len(paypal.requests())
    paypal.fault("create", "latency", count=8, delay_ms=2500)
    together([partial(start, order) for order in orders[1:]])
    assert len(paypal.requests()) - before == 2


# --- The trace of each call


@pytest.mark.django_db
def test_each_call_leaves_a_row_with_paypals_debug_id(paypal: Emulator, order: Order) -> None:
    settle(approve(order).pk, by="return")
    attempt = PaymentAttempt.objects.get()
    calls = list(GatewayCall.objects.order_by("pk").values_list("operation", "about", "request_id"))
    assert calls == [
        ("create_order", str(order.transaction_id), attempt.create_request_id),
        ("get_order", attempt.paypal_order_id, None),
        ("capture_order", attempt.paypal_order_id, attempt.capture_request_id),
    ]
    assert all(call.debug_id and call.outcome == "answered" for call in GatewayCall.objects.all())


@pytest.mark.django_db
def test_the_orders_story_tells_its_calls(paypal: Emulator, order: Order) -> None:
    paypal.fault("create", "http_503")
    with pytest.raises(Unanswered):
        approval_url(order.transaction_id)
    settle(approve(order).pk, by="return")
    told = [entry.text for entry in timeline_of(order) if entry.kind == "call"]
    assert [text.split(" in ")[0] for text in told] == [
        "create_order: unanswered: PayPal answered 503.",
        "create_order: answered",
        "get_order: answered",
        "capture_order: answered",
    ]


@pytest.mark.django_db
def test_the_log_names_each_call_and_tells_no_secret(
    paypal: Emulator, order: Order, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="payments")
    attempt = approve(order)
    settle(attempt.pk, by="return")
    call = GatewayCall.objects.get(operation="capture_order")
    assert f"PayPal capture_order {attempt.paypal_order_id}: answered" in caplog.text
    named = f"transaction {order.transaction_id}, request id {call.request_id}"
    assert f"{named}, debug id {call.debug_id}" in caplog.text
    assert "transaction -" not in caplog.text
    assert shop_settings.PAYPAL_CLIENT_SECRET not in caplog.text
    assert "Bearer" not in caplog.text


@pytest.mark.django_db
def test_a_trace_that_cannot_be_written_hides_no_payment(
    paypal: Emulator,
    order: Order,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(**_: object) -> None:
        raise RuntimeError("No room.")

    monkeypatch.setattr(GatewayCall.objects, "create", refuse)
    settle(approve(order).pk, by="return")
    assert standing(order) == ("SUCCESS", "SUCCESS", "")
    assert "has no row" in caplog.text


@pytest.mark.django_db
def test_calls_are_counted_by_what_became_of_them(paypal: Emulator, order: Order) -> None:
    def counted(outcome: str) -> float:
        labels = {"operation": "create_order", "outcome": outcome}
        return REGISTRY.get_sample_value("ganh_paypal_calls_total", labels) or 0

    before = {outcome: counted(outcome) for outcome in ("answered", "unanswered", "busy")}
    paypal.fault("create", "http_500")
    start(order)
    with every_place_taken():
        start(order)
    start(order)
    assert {outcome: counted(outcome) - n for outcome, n in before.items()} == dict.fromkeys(
        before, 1
    )
