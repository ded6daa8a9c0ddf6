"""What becomes of the webhooks that PayPal signed."""

import time
from collections.abc import Generator
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from devtools.paypal.client import Emulator
from devtools.paypal.signatures import Signer
from notifications.models import Event
from orders.models import Order
from payments.duties import work_on_webhooks
from payments.models import PaymentAttempt, WebhookReceipt
from tests.factories import placed_order
from tests.paying import approve, captures_sent, events_of, standing
from tests.payments.signed_webhooks import WEBHOOK, event, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    return placed_order()


def test_good_webhook_settles_an_order_whose_tab_was_closed(
    paypal: Emulator, signer: Signer, order: Order
) -> None:
    assert send(event(approve(order, "leave")), signer).status_code == 200
    assert standing(order)[0] == "PENDING"  # the answer does not wait for the work
    assert work_on_webhooks() == 1
    assert standing(order) == ("SUCCESS", "SUCCESS", "")
    receipt = WebhookReceipt.objects.get()
    assert (receipt.outcome, receipt.try_at) == ("settled", None)


def test_second_delivery_is_accepted_and_changes_nothing(
    paypal: Emulator, signer: Signer, order: Order
) -> None:
    body = event(approve(order))
    assert [send(body, signer).status_code for _ in range(2)] == [200, 200]
    assert (work_on_webhooks(), work_on_webhooks()) == (1, 0)
    assert send(body, signer).status_code == 200
    assert work_on_webhooks() == 0
    assert WebhookReceipt.objects.count() == 1
    assert events_of(order) == ["order.confirmed"]


def test_events_out_of_order_do_no_harm(paypal: Emulator, signer: Signer, order: Order) -> None:
    attempt = approve(order)
    related = {"supplementary_data": {"related_ids": {"order_id": attempt.paypal_order_id}}}
    captured = event(event_type="PAYMENT.CAPTURE.COMPLETED", resource=related)
    for body in (captured, event(attempt), captured, event(attempt)):
        assert send(body, signer).status_code == 200
        work_on_webhooks()
    assert standing(order) == ("SUCCESS", "SUCCESS", "")
    assert len(captures_sent(paypal)) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"id event_type"',
        b"{}",
        b'{"id": "WH-1"}',
        b"\xff\xfe",
        b'{"id": 1, "event_type": "X"}',
        b'{"id": "WH-1", "event_type": ""}',
        b'{"id": "' + b"x" * 65 + b'", "event_type": "X"}',
        b'{"id": "WH-\\u0000", "event_type": "X"}',
    ],
)
def test_signed_but_malformed_is_refused(paypal: Emulator, signer: Signer, body: bytes) -> None:
    assert send(body, signer).status_code == 400
    assert not WebhookReceipt.objects.exists()


@pytest.mark.parametrize("error", [OperationalError, RuntimeError])
def test_what_could_not_be_kept_is_not_taken(
    paypal: Emulator,
    signer: Signer,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(WebhookReceipt.objects, "bulk_create", refuse)
    body = event()
    headers = signer.headers(body, "TEST-WEBHOOK")
    client = Client(raise_request_exception=False)
    answer = client.post(WEBHOOK, body, content_type="application/json", headers=headers)
    assert answer.status_code >= 500  # PayPal sends it again


@pytest.mark.parametrize("resource", [None, 5, [], {"id": 7}, {"supplementary_data": "x"}])
def test_event_without_a_usable_resource_is_kept_and_ignored(
    paypal: Emulator, signer: Signer, resource: object
) -> None:
    assert send(event(resource=resource), signer).status_code == 200
    assert work_on_webhooks() == 1
    assert WebhookReceipt.objects.get().outcome == "ignored"


def test_event_of_an_unknown_type_is_kept_and_ignored(paypal: Emulator, signer: Signer) -> None:
    assert send(event(event_type="SOMETHING.NEW"), signer).status_code == 200
    work_on_webhooks()
    assert WebhookReceipt.objects.get().outcome == "ignored"


def test_body_over_a_megabyte_is_refused(client: Client) -> None:
    response = client.post(WEBHOOK, b" " * 1_000_001, content_type="application/json")
    assert response.status_code == 413


def test_paypal_order_whose_id_was_lost_is_adopted(
    paypal: Emulator, signer: Signer, order: Order
) -> None:
    attempt = approve(order, "leave")
    PaymentAttempt.objects.update(paypal_order_id=None, approve_url="", ask_at=None)
    send(event(attempt), signer)
    assert work_on_webhooks() == 1
    assert standing(order) == ("SUCCESS", "SUCCESS", "")


@pytest.mark.parametrize("kind", ["other_amount", "other_currency"])
def test_paypal_order_of_another_sum_is_not_adopted(
    paypal: Emulator, signer: Signer, order: Order, kind: str
) -> None:
    attempt = approve(order, "leave")
    PaymentAttempt.objects.update(paypal_order_id=None, approve_url="")
    send(event(attempt), signer)
    paypal.fault("get", kind)
    work_on_webhooks()
    assert PaymentAttempt.objects.get().paypal_order_id is None


def test_order_that_is_not_ours_is_looked_for_during_an_hour(
    paypal: Emulator, signer: Signer
) -> None:
    send(event(), signer)
    work_on_webhooks()
    assert WebhookReceipt.objects.get().try_at is not None
    past = timezone.now() - timedelta(hours=1, seconds=1)
    WebhookReceipt.objects.update(received_at=past, try_at=past)
    work_on_webhooks()
    assert WebhookReceipt.objects.get().outcome == "unknown"
    told = Event.objects.get(type="staff.attention")
    assert told.body["attention"]["cases"][0]["what"] == "webhook_unknown"


def test_work_that_paypal_did_not_answer_is_due_again(
    paypal: Emulator, signer: Signer, order: Order
) -> None:
    send(event(approve(order)), signer)
    paypal.fault("get", "http_503")
    assert work_on_webhooks() == 0
    receipt = WebhookReceipt.objects.get()
    assert receipt.try_at is not None
    WebhookReceipt.objects.update(try_at=timezone.now())
    assert work_on_webhooks() == 1
    assert standing(order) == ("SUCCESS", "SUCCESS", "")


@pytest.fixture
def listening(paypal: Emulator, live_server: LiveServer, settings: Settings) -> Generator[Emulator]:
    """Let the emulator's webhooks reach the shop over HTTP."""
    assert live_server.url == settings.SHOP_URL
    paypal.webhook_mode("normal")
    yield paypal
    paypal.reset()


@pytest.mark.django_db(transaction=True)
def test_the_emulators_own_webhook_arrives_and_settles(listening: Emulator) -> None:
    order = placed_order()
    approve(order, "leave")
    _wait_for_receipt()
    work_on_webhooks()
    assert standing(order) == ("SUCCESS", "SUCCESS", "")


def _wait_for_receipt() -> None:
    deadline = time.monotonic() + 20
    while not WebhookReceipt.objects.exists():
        assert time.monotonic() < deadline, "No webhook arrived."
        time.sleep(0.02)
