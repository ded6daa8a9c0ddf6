"""Who may send a webhook: PayPal, to this shop, with this very body."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from devtools.paypal.certificates import Certificates, make_certificates
from devtools.paypal.client import Emulator
from devtools.paypal.signatures import Signer
from payments import certificates
from payments.certificate_fetches import BadCertificate
from payments.models import WebhookReceipt
from tests.payments.signed_webhooks import WEBHOOK, event, send

pytestmark = pytest.mark.django_db


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
        with pytest.raises(BadCertificate):
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
        pytest.raises(BadCertificate),
    ):
        certificates.signing_key(url)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")  # a public root's
def test_the_emulators_authority_counts_for_nothing_elsewhere(
    paypal: Emulator, signer: Signer, settings: Settings
) -> None:
    settings.PAYPAL_ENVIRONMENT = "sandbox"
    with pytest.raises(BadCertificate, match="vouches"):
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
