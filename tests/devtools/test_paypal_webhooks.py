"""The emulator's webhooks: signed as PayPal's, and as unreliable as a test wants them."""

import base64
import json
import zlib
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
import requests
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.verification import PolicyBuilder, Store

from devtools.paypal.app import Server
from devtools.paypal.client import Emulator
from tests.devtools.paypal_listener import Listener, Transmission
from tests.devtools.paypal_merchant import JSON, Merchant


def _webhook_id(merchant: Merchant) -> str:
    listed = merchant.call("GET", "/v1/notifications/webhooks").json()
    return str(listed["webhooks"][0]["id"])


def _chain(transmission: Transmission) -> list[x509.Certificate]:
    pem = requests.get(transmission.headers["PAYPAL-CERT-URL"], timeout=10).content
    return x509.load_pem_x509_certificates(pem)


def _verify(transmission: Transmission, webhook_id: str) -> None:
    """Check a signature as a shop does, with nothing but the certificate and the raw body."""
    headers = transmission.headers
    signed = "|".join(
        [
            headers["PAYPAL-TRANSMISSION-ID"],
            headers["PAYPAL-TRANSMISSION-TIME"],
            webhook_id,
            str(zlib.crc32(transmission.raw)),
        ]
    )
    key = _chain(transmission)[0].public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    signature = base64.b64decode(headers["PAYPAL-TRANSMISSION-SIG"])
    key.verify(signature, signed.encode(), padding.PKCS1v15(), hashes.SHA256())


def test_webhook_is_signed_over_its_raw_body(merchant: Merchant, listener: Listener) -> None:
    order_id = merchant.approved()
    [sent] = listener.wait_for(1)
    assert sent.headers["PAYPAL-AUTH-ALGO"] == "SHA256withRSA"
    assert (sent.type, sent.event["resource"]["id"]) == ("CHECKOUT.ORDER.APPROVED", order_id)
    _verify(sent, _webhook_id(merchant))


def test_signing_certificate_is_vouched_for_by_the_emulators_authority(
    merchant: Merchant, listener: Listener, paypal_server: Server
) -> None:
    merchant.approved()
    [sent] = listener.wait_for(1)
    assert urlsplit(sent.headers["PAYPAL-CERT-URL"]).path.startswith("/v1/notifications/certs/")
    leaf, authority = _chain(sent)
    assert authority == paypal_server.sandbox.certificates.authority
    name = x509.DNSName("messageverificationcerts.sandbox.paypal.com")
    policy = PolicyBuilder().store(Store([authority])).time(datetime.now(UTC))
    assert policy.build_server_verifier(name).verify(leaf, [])


def _claim(sent: Transmission, webhook_id: str) -> JSON:
    return {
        "auth_algo": sent.headers["PAYPAL-AUTH-ALGO"],
        "cert_url": sent.headers["PAYPAL-CERT-URL"],
        "transmission_id": sent.headers["PAYPAL-TRANSMISSION-ID"],
        "transmission_sig": sent.headers["PAYPAL-TRANSMISSION-SIG"],
        "transmission_time": sent.headers["PAYPAL-TRANSMISSION-TIME"],
        "webhook_id": webhook_id,
        "webhook_event": sent.event,
    }


def test_emulator_confirms_its_own_signature_only(merchant: Merchant, listener: Listener) -> None:
    merchant.approved()
    [sent] = listener.wait_for(1)
    path = "/v1/notifications/verify-webhook-signature"
    claim = _claim(sent, _webhook_id(merchant))
    assert merchant.call("POST", path, claim).json() == {"verification_status": "SUCCESS"}
    claim["webhook_event"]["resource"]["id"] = "ANOTHER"
    assert merchant.call("POST", path, claim).json() == {"verification_status": "FAILURE"}


def test_verification_takes_the_event_exactly_as_it_was_sent(
    merchant: Merchant, listener: Listener
) -> None:
    merchant.approved()
    [sent] = listener.wait_for(1)
    claim = _claim(sent, _webhook_id(merchant))
    del claim["webhook_event"]
    body = json.dumps(claim)[:-1].encode() + b', "webhook_event": ' + sent.raw + b" }"
    headers = {"Authorization": f"Bearer {merchant.token}", "Content-Type": "application/json"}
    url = f"{merchant.base_url}/v1/notifications/verify-webhook-signature"
    answer = requests.post(url, body, headers=headers, timeout=10)
    assert answer.json() == {"verification_status": "SUCCESS"}


def test_refused_webhook_is_sent_again_until_it_is_taken(
    merchant: Merchant, listener: Listener
) -> None:
    listener.refuse(2)
    merchant.approved()
    sent = listener.wait_for(3)
    assert len({it.event["id"] for it in sent}) == 1
    assert len({it.headers["PAYPAL-TRANSMISSION-ID"] for it in sent}) == 3


def test_listener_hears_only_what_it_asked_for(merchant: Merchant) -> None:
    listener = Listener()
    names = [{"name": "PAYMENT.CAPTURE.COMPLETED"}]
    body = {"url": listener.url, "event_types": names}
    webhook = merchant.call("POST", "/v1/notifications/webhooks", body).json()
    merchant.captured()
    assert [it.type for it in listener.wait_for(1)] == ["PAYMENT.CAPTURE.COMPLETED"]
    merchant.call("DELETE", f"/v1/notifications/webhooks/{webhook['id']}")
    listener.close()


def test_dropped_webhook_never_comes(
    merchant: Merchant, listener: Listener, paypal: Emulator
) -> None:
    paypal.webhook_mode("drop")
    order_id = merchant.approved()
    paypal.webhook_mode("normal")
    merchant.capture(order_id)
    assert [it.type for it in listener.wait_for(1)] == ["PAYMENT.CAPTURE.COMPLETED"]


def test_duplicate_webhook_has_the_same_event_id(
    merchant: Merchant, listener: Listener, paypal: Emulator
) -> None:
    paypal.webhook_mode("duplicate")
    merchant.approved()
    first, second = listener.wait_for(2)
    assert first.raw == second.raw
    assert first.headers != second.headers


def test_reordered_webhooks_come_newest_first(
    merchant: Merchant, listener: Listener, paypal: Emulator
) -> None:
    paypal.webhook_mode("reorder", delay_ms=60_000)
    merchant.captured()
    types = [it.type for it in listener.wait_for(2)]
    assert types == ["PAYMENT.CAPTURE.COMPLETED", "CHECKOUT.ORDER.APPROVED"]


@pytest.mark.parametrize("mode", ["reorder", "delay"])
def test_lone_webhook_goes_when_its_time_is_up(
    merchant: Merchant, listener: Listener, paypal: Emulator, mode: str
) -> None:
    paypal.webhook_mode(mode, delay_ms=100)
    merchant.approved()
    assert [it.type for it in listener.wait_for(1)] == ["CHECKOUT.ORDER.APPROVED"]


def test_bad_signature_is_bad_and_heals_on_a_later_try(
    merchant: Merchant, listener: Listener, paypal: Emulator
) -> None:
    listener.refuse(1)
    paypal.webhook_mode("bad_signature")
    merchant.approved()
    [forged] = listener.wait_for(1)
    paypal.webhook_mode("normal")
    with pytest.raises(InvalidSignature):
        _verify(forged, _webhook_id(merchant))
    _verify(listener.wait_for(2)[1], _webhook_id(merchant))


def test_webhook_may_come_before_the_answer(
    merchant: Merchant, listener: Listener, paypal: Emulator
) -> None:
    order_id = merchant.approved()
    listener.wait_for(1)
    paypal.webhook_mode("before_response")
    merchant.capture(order_id)
    assert [it.type for it in listener.arrived][1:] == ["PAYMENT.CAPTURE.COMPLETED"]


def test_event_that_nothing_caused_is_signed_like_any_other(
    merchant: Merchant, listener: Listener, paypal: Emulator
) -> None:
    event_id = paypal.send_event("INVENTED.EVENT", {"id": "X", "amount": "1.00"})
    [sent] = listener.wait_for(1)
    assert (sent.event["id"], sent.type) == (event_id, "INVENTED.EVENT")
    assert sent.event["resource"] == {"id": "X", "amount": "1.00"}
    _verify(sent, _webhook_id(merchant))


def test_same_url_is_registered_once(merchant: Merchant, listener: Listener) -> None:
    body = {"url": listener.url, "event_types": [{"name": "*"}]}
    assert merchant.call("POST", "/v1/notifications/webhooks", body).status_code == 400
