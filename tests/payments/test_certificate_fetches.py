"""What forged webhooks can make us fetch: little, and nobody waits for it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from devtools.paypal.client import Emulator
from devtools.paypal.signatures import Signer
from payments import certificate_fetches
from payments.certificate_fetches import FETCHES, BadCertificate, Fetches, TooManyFetches
from payments.models import WebhookReceipt
from tests.payments.signed_webhooks import event, send

pytestmark = pytest.mark.django_db


def certificates_asked_for(paypal: Emulator) -> int:
    return len([call for call in paypal.requests() if "/certs/" in call["path"]])


def forged(signer: Signer, name: str) -> int:
    """Send a webhook whose certificate has a good address, and is not there."""
    url = signer.certificate_url.rpartition("/")[0] + f"/{name}"
    return send(event(), replace(signer, certificate_url=url)).status_code


def test_a_flood_of_forged_webhooks_fetches_a_few_certificates(
    paypal: Emulator, signer: Signer
) -> None:
    answers = [forged(signer, f"CERT-{number}") for number in range(30)]

    assert answers == [401] * FETCHES + [503] * (30 - FETCHES)
    assert certificates_asked_for(paypal) == FETCHES
    assert not WebhookReceipt.objects.exists()


def test_during_the_flood_paypals_own_webhooks_are_kept(paypal: Emulator, signer: Signer) -> None:
    assert send(event(), signer).status_code == 200
    for number in range(2 * FETCHES):
        forged(signer, f"CERT-{number}")

    assert send(event(), signer).status_code == 200


def test_an_address_without_a_certificate_is_not_asked_again_soon(
    paypal: Emulator, signer: Signer
) -> None:
    assert [forged(signer, "CERT-1") for _ in range(20)] == [401] * 20
    assert certificates_asked_for(paypal) == 1


@pytest.mark.parametrize("addition", ["?x=1", "?", "#1", "/", "%20", "\t", "\n"])
def test_no_addition_makes_one_certificate_many(
    paypal: Emulator, signer: Signer, addition: str
) -> None:
    url = signer.certificate_url + addition
    assert send(event(), signer, PAYPAL_CERT_URL=url).status_code == 401
    assert certificates_asked_for(paypal) == 0


@pytest.fixture
def fetches() -> Fetches:
    return Fetches()


def refuse(_: str) -> bytes:
    raise BadCertificate


def test_while_one_is_fetched_nobody_waits_for_another(fetches: Fetches) -> None:
    def meanwhile(_: str) -> bytes:
        with pytest.raises(TooManyFetches):
            fetches.fetch("https://b", lambda _: b"never")
        return b"a"

    assert fetches.fetch("https://a", meanwhile) == b"a"
    assert fetches.fetch("https://b", lambda _: b"b") == b"b"


@pytest.mark.parametrize("error", [BadCertificate, ConnectionError])
def test_a_fetch_that_fails_leaves_the_way_free(fetches: Fetches, error: type[Exception]) -> None:
    def fail(_: str) -> bytes:
        raise error

    with pytest.raises(error):
        fetches.fetch("https://a", fail)

    assert fetches.fetch("https://b", lambda _: b"b") == b"b"


def fetched(fetches: Fetches, url: str, get: Callable[[str], bytes]) -> str:
    try:
        fetches.fetch(url, get)
    except (BadCertificate, TooManyFetches) as error:
        return type(error).__name__
    return "fetched"


def test_after_a_minute_it_is_asked_again(
    fetches: Fetches, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(certificate_fetches, "monotonic", lambda: now)
    assert fetched(fetches, "https://a", refuse) == "BadCertificate"
    for number in range(FETCHES - 1):
        assert fetched(fetches, f"https://{number}", lambda _: b"") == "fetched"
    assert fetched(fetches, "https://b", lambda _: b"") == "TooManyFetches"

    now += 60
    assert fetched(fetches, "https://a", lambda _: b"") == "fetched"
    assert fetched(fetches, "https://b", lambda _: b"") == "fetched"
