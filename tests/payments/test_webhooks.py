"""PayPal's webhooks: who may send one, and what becomes of it."""

import json
import time
import uuid
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from devtools.paypal.certificates import Certificates, load_certificates, make_certificates
from devtools.paypal.client import Emulator
from devtools.paypal.signatures import Signer
from orders.models import Order
from payments import certificates
from payments.duties import work_on_webhooks
from payments.models import PaymentAttempt, WebhookReceipt
from tests.factories import placed_order
from tests.paying import approve, captures_sent, events_of, standing

pytestmark = pytest.mark.django_db

WEBHOOK = "/payments/paypal/webhook/"


@pytest.fixture(autouse=True)
def _no_certificate_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "_known", {})


@pytest.fixture
def signer(paypal: Emulator, settings: Settings) -> Signer:
    """Sign as the emulator does, with its own key."""
    own = load_certificates(Path(settings.PAYPAL_EMULATOR_CA_FILE).parent)
    return Signer(own, f"{paypal.base_url}/v1/notifications/certs/{own.id}")


@pytest.fixture
def order() -> Order:
    return placed_order()


def event(attempt: PaymentAttempt | None = None, **changes: Any) -> bytes:
    found = {
        "id": f"WH-{uuid.uuid4()}",
        "event_type": "CHECKOUT.ORDER.APPROVED",
        "resource": {"id": attempt.paypal_order_id if attempt else "NOT-OURS"},
        **changes,
    }
    return json.dumps(found).encode()


def send(
    body: bytes, signer: Signer, *, webhook_id: str = "TEST-WEBHOOK", **changes: str
) -> "HttpResponse":
    """Deliver a webhook; `changes` are headers that differ, `_` for `-`."""
    headers = signer.headers(body, webhook_id)
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    return Client().post(  # type: ignore[return-value]
        WEBHOOK, body, content_type="application/json", headers=headers
    )


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


def test_body_that_was_not_signed_is_refused(paypal: Emulator, signer: Signer) -> None:
    headers = signer.headers(event(), "TEST-WEBHOOK")
    response = Client().post(WEBHOOK, event(), content_type="application/json", headers=headers)
    assert response.status_code == 401
    assert not WebhookReceipt.objects.exists()


@pytest.mark.parametrize(
    "header",
    [
        {"PAYPAL_TRANSMISSION_ID": "another"},
        {"PAYPAL_TRANSMISSION_TIME": "2020-01-01T00:00:00Z"},
        {"PAYPAL_TRANSMISSION_SIG": "bm90IGEgc2lnbmF0dXJl"},
        {"PAYPAL_TRANSMISSION_SIG": "no base64 \xe9"},
        {"PAYPAL_TRANSMISSION_SIG": ""},
        {"PAYPAL_AUTH_ALGO": "SHA1withRSA"},
        {"PAYPAL_CERT_URL": ""},
    ],
)
def test_signature_that_does_not_fit_is_refused(
    paypal: Emulator, signer: Signer, header: dict[str, str]
) -> None:
    assert send(event(), signer, **header).status_code == 401
    assert not WebhookReceipt.objects.exists()


def test_no_signature_at_all_is_refused(client: Client) -> None:
    response = client.post(WEBHOOK, event(), content_type="application/json")
    assert response.status_code == 401


def test_webhook_for_another_shop_is_refused(paypal: Emulator, signer: Signer) -> None:
    assert send(event(), signer, webhook_id="ANOTHER-WEBHOOK").status_code == 401


def test_the_simulators_webhook_id_is_never_accepted(
    paypal: Emulator, signer: Signer, settings: Settings
) -> None:
    settings.PAYPAL_WEBHOOK_ID = "WEBHOOK_ID"
    assert send(event(), signer, webhook_id="WEBHOOK_ID").status_code == 401


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:9/v1/notifications/certs/x",
        "{base}@127.0.0.1:9/v1/notifications/certs/x",
        "{base}.example.com/v1/notifications/certs/x",
        "{base}/emulator/orders",
        "{base}/v1/notifications/certs/../../../emulator/orders",
        "https://[::1/v1/notifications/certs/x",
        "file:///v1/notifications/certs/x",
        "certs",
    ],
)
def test_certificate_from_elsewhere_is_not_even_fetched(
    paypal: Emulator, signer: Signer, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "_fetch", lambda _: pytest.fail("It was fetched."))
    url = address.format(base=paypal.base_url)
    assert send(event(), signer, PAYPAL_CERT_URL=url).status_code == 401


@pytest.mark.parametrize(
    ("environment", "address", "is_paypals"),
    [
        ("sandbox", "https://api.sandbox.paypal.com/v1/notifications/certs/x", True),
        ("live", "https://api.paypal.com/v1/notifications/certs/x", True),
        ("live", "https://api.sandbox.paypal.com/v1/notifications/certs/x", False),
        ("live", "http://api.paypal.com/v1/notifications/certs/x", False),
        ("live", "https://api.paypal.com:8443/v1/notifications/certs/x", False),
        ("live", "https://api.paypal.com.example.com/v1/notifications/certs/x", False),
        ("live", "https://a@api.paypal.com/v1/notifications/certs/x", False),
        ("live", "https://api.paypal.com/v2/certs/x", False),
    ],
)
def test_only_paypals_own_addresses_hold_its_certificates(
    settings: Settings, environment: str, address: str, is_paypals: bool
) -> None:
    settings.PAYPAL_ENVIRONMENT = environment
    if is_paypals:
        certificates._check_address(address)
    else:
        with pytest.raises(certificates.BadCertificate):
            certificates._check_address(address)


def _serve(monkeypatch: pytest.MonkeyPatch, chain: bytes) -> None:
    monkeypatch.setattr(certificates, "_fetch", lambda _: chain)


def test_certificate_that_vouches_for_itself_is_refused(
    paypal: Emulator, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    forged: Certificates = make_certificates(datetime.now(UTC))
    _serve(monkeypatch, forged.chain_pem)
    assert send(event(), replace(signer, certificates=forged)).status_code == 401


@pytest.mark.parametrize("chain", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA"])
def test_what_is_no_certificate_is_refused(
    paypal: Emulator, signer: Signer, monkeypatch: pytest.MonkeyPatch, chain: bytes
) -> None:
    _serve(monkeypatch, chain)
    assert send(event(), signer).status_code == 401


def test_certificate_that_has_ended_is_refused(paypal: Emulator, signer: Signer) -> None:
    url, ends = signer.certificate_url, signer.certificates.certificate.not_valid_after_utc
    certificates.signing_key(url)
    with (
        time_machine.travel(ends + timedelta(days=1)),
        pytest.raises(certificates.BadCertificate),
    ):
        certificates.signing_key(url)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")  # a public root's
def test_the_emulators_authority_counts_for_nothing_elsewhere(
    paypal: Emulator, signer: Signer, settings: Settings
) -> None:
    settings.PAYPAL_ENVIRONMENT = "sandbox"
    with pytest.raises(certificates.BadCertificate, match="vouches"):
        certificates._verified(signer.certificates.chain_pem)


def test_certificate_is_fetched_once(
    paypal: Emulator, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert send(event(), signer).status_code == 200
    monkeypatch.setattr(certificates, "_fetch", lambda _: pytest.fail("Fetched again."))
    assert send(event(), signer).status_code == 200


@pytest.mark.parametrize("kind", ["reset", "truncated", "http_503", "http_500"])
def test_webhook_is_postponed_while_its_certificate_cannot_be_had(
    paypal: Emulator, signer: Signer, kind: str
) -> None:
    paypal.fault("certs", kind)
    assert send(event(), signer).status_code == 503
    assert send(event(), signer).status_code == 200


def test_huge_certificate_is_refused(paypal: Emulator, signer: Signer) -> None:
    paypal.fault("certs", "huge")
    assert send(event(), signer).status_code == 401


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
    assert WebhookReceipt.objects.get().outcome == "unknown order"


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
