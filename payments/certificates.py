"""The certificate a webhook names: fetched only from PayPal, its chain and dates checked, kept."""

import base64
import binascii
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import certifi
import requests
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from django.conf import settings
from urllib3.exceptions import HTTPError

_PATH = "/v1/notifications/certs/"
_MAX_BYTES = 64_000
_TIMEOUT = (3, 10)
_HOSTS = {
    "live": ("api.paypal.com", "api-m.paypal.com"),
    "sandbox": ("api.sandbox.paypal.com", "api-m.sandbox.paypal.com"),
}
_SIGNERS = {
    "live": "messageverificationcerts.paypal.com",
    "sandbox": "messageverificationcerts.sandbox.paypal.com",
    "emulator": "messageverificationcerts.sandbox.paypal.com",
}


class BadCertificate(Exception):
    """The certificate or what it is said to have signed cannot be trusted."""


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


_lock = threading.Lock()
_known: dict[str, SigningKey] = {}


def signing_key(url: str) -> SigningKey:
    """Return the key behind a certificate's address, from memory while it is valid.

    Raises BadCertificate, and requests' errors when PayPal cannot be reached.
    """
    _check_address(url)
    with _lock:
        known = _known.get(url)
    if known is not None and known.not_after > datetime.now(UTC):
        return known
    found = _verified(_fetch(url))
    with _lock:
        _known[url] = found
    return found


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadCertificate("The certificate's address is none.") from error
    if settings.PAYPAL_ENVIRONMENT == "emulator":
        is_allowed = url.startswith(f"{settings.PAYPAL_BASE_URL}{_PATH}")
    else:
        # `netloc` and not `hostname`: no port, no user in front of it.
        hosts = _HOSTS[settings.PAYPAL_ENVIRONMENT]
        is_allowed = parts.scheme == "https" and parts.netloc in hosts
    if not (is_allowed and parts.path.startswith(_PATH) and ".." not in parts.path):
        raise BadCertificate("The certificate's address is not PayPal's.")


def _fetch(url: str) -> bytes:
    with requests.get(url, timeout=_TIMEOUT, allow_redirects=False, stream=True) as response:
        if response.status_code >= requests.codes.server_error:
            response.raise_for_status()
        if response.status_code != requests.codes.ok:
            raise BadCertificate(f"The certificate's address answered {response.status_code}.")
        try:
            content: bytes = response.raw.read(_MAX_BYTES + 1, decode_content=True)
        except HTTPError as error:  # urllib3's own: requests is not asked for the content
            raise requests.ConnectionError("The certificate was cut off.") from error
    if len(content) > _MAX_BYTES:
        raise BadCertificate("The certificate is too large.")
    return content


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
