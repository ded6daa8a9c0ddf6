"""The certificate a webhook names: fetched only from PayPal, its chain and dates checked, kept."""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import certifi
import requests
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from django.conf import settings

from payments.certificate_fetches import BadCertificate, Fetches
from payments.paypal_http import TooMuch, read_bounded

_PATH = re.compile(r"/v1/notifications/certs/[A-Za-z0-9-]{1,100}")
_MAX_BYTES = 64_000
_TIMEOUT = (3.0, 10.0)
_HOSTS = {
    "live": ("api.paypal.com", "api-m.paypal.com"),
    "sandbox": ("api.sandbox.paypal.com", "api-m.sandbox.paypal.com"),
}
_SIGNERS = {
    "live": "messageverificationcerts.paypal.com",
    "sandbox": "messageverificationcerts.sandbox.paypal.com",
    "emulator": "messageverificationcerts.sandbox.paypal.com",
}


@dataclass(frozen=True)
class SigningKey:
    """A key of PayPal's, good until its certificate ends."""

    key: rsa.RSAPublicKey
    not_after: datetime

    def verify(self, signed: bytes, *, signature: str) -> None:
        """Raise BadCertificate unless this key made the signature (base64)."""
        try:
            raw = base64.b64decode(signature, validate=True)
            self.key.verify(raw, signed, padding.PKCS1v15(), SHA256())
        except (InvalidSignature, binascii.Error, ValueError) as error:
            raise BadCertificate("The signature does not fit the body.") from error


_known: dict[str, SigningKey] = {}
_fetches = Fetches()


def signing_key(url: str) -> SigningKey:
    """Return the key behind a certificate's address, from memory while it is valid.

    Raises BadCertificate, TooManyFetches, and requests' errors when PayPal cannot be reached.
    """
    _check_address(url)
    known = _known.get(url)
    if known is not None and known.not_after > datetime.now(UTC):
        return known
    found = _fetches.fetch(url, lambda url: _verified(_fetch(url)))
    _known[url] = found
    return found


def _check_address(url: str) -> None:
    """Refuse all but the plain address of a certificate: no query, nothing in front of the host."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadCertificate("The certificate's address is none.") from error
    if settings.PAYPAL_ENVIRONMENT == "emulator":
        origins = [settings.PAYPAL_BASE_URL]
    else:
        origins = [f"https://{host}" for host in _HOSTS[settings.PAYPAL_ENVIRONMENT]]
    if url not in {origin + parts.path for origin in origins} or not _PATH.fullmatch(parts.path):
        raise BadCertificate("The certificate's address is not PayPal's.")


def _fetch(url: str) -> bytes:
    until = monotonic() + sum(_TIMEOUT)
    with requests.get(url, timeout=_TIMEOUT, allow_redirects=False, stream=True) as response:
        if response.status_code >= requests.codes.server_error:
            response.raise_for_status()
        if response.status_code != requests.codes.ok:
            raise BadCertificate(f"The certificate's address answered {response.status_code}.")
        try:
            return read_bounded(response, until, _MAX_BYTES)
        except TooMuch as error:
            raise BadCertificate("The certificate is too large, or comes too slowly.") from error


def _verified(chain: bytes) -> SigningKey:
    """Check the chain up to a trusted authority, the dates and the name; return the key."""
    try:
        leaf, *others = x509.load_pem_x509_certificates(chain)
        verifier = (
            PolicyBuilder()
            .store(Store(_authorities()))
            .time(datetime.now(UTC))
            .build_server_verifier(x509.DNSName(_SIGNERS[settings.PAYPAL_ENVIRONMENT]))
        )
        verifier.verify(leaf, others)
    except (ValueError, VerificationError) as error:
        raise BadCertificate("No trusted authority vouches for the certificate.") from error
    key = leaf.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise BadCertificate("The certificate's key is not RSA.")
    return SigningKey(key, leaf.not_valid_after_utc)


def _authorities() -> list[x509.Certificate]:
    """Return whom we trust: the public authorities, or the emulator's own where that is in use."""
    if settings.PAYPAL_ENVIRONMENT == "emulator":
        if not settings.PAYPAL_EMULATOR_CA_FILE:
            raise BadCertificate("PAYPAL_EMULATOR_CA_FILE is not set.")
        bundle = Path(settings.PAYPAL_EMULATOR_CA_FILE)
    else:
        bundle = Path(certifi.where())
    return x509.load_pem_x509_certificates(bundle.read_bytes())
