"""The emulator's own certificate authority, and the certificate that signs its webhooks.

PayPal signs with a certificate that a public authority vouches for. The emulator makes an
authority of its own, whose certificate (`ca.pem`) a shop under test may trust instead.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# The name that the certificates of PayPal's sandbox carry.
SIGNER_NAME = "messageverificationcerts.sandbox.paypal.com"
_AUTHORITY_NAME = "PayPal emulator, not PayPal"
_CHAIN_FILE = "signing-chain.pem"
_KEY_FILE = "signing-key.pem"
_LIFE = timedelta(days=397)
_RENEWED_BEFORE_END = timedelta(days=30)


@dataclass(frozen=True)
class Certificates:
    """The authority's certificate, and the signing key with its own certificate."""

    authority: x509.Certificate
    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def authority_pem(self) -> bytes:
        return self.authority.public_bytes(Encoding.PEM)

    @property
    def chain_pem(self) -> bytes:
        """Return the signing certificate first, then who vouches for it."""
        return self.certificate.public_bytes(Encoding.PEM) + self.authority_pem

    @property
    def id(self) -> str:
        """Return the name under which the chain is served."""
        return "CERT-" + hashlib.sha256(self.chain_pem).hexdigest()[:16]

    def sign(self, message: bytes) -> bytes:
        """Sign with RSA-SHA256, as PayPal does."""
        return self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        """Say whether the signing key made this signature."""
        try:
            self.key.public_key().verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True


def make_certificates(now: datetime) -> Certificates:
    """Make a fresh authority and a signing certificate."""
    authority_key, key = _new_key(), _new_key()
    authority = _certify_authority(authority_key, now)
    return Certificates(authority, _certify_signer(key, authority, authority_key, now), key)


def load_certificates(folder: Path) -> Certificates:
    """Load those kept in a folder; make and keep new ones when there are none or they end soon.

    Whoever is to trust the emulator finds the authority in the folder's `ca.pem`.
    """
    now = datetime.now(UTC)
    chosen = _kept_certificates(folder)
    if chosen is None or chosen.certificate.not_valid_after_utc - now < _RENEWED_BEFORE_END:
        chosen = make_certificates(now)
        _keep(chosen, folder)
    (folder / "ca.pem").write_bytes(chosen.authority_pem)
    return chosen


def _kept_certificates(folder: Path) -> Certificates | None:
    chain_file, key_file = folder / _CHAIN_FILE, folder / _KEY_FILE
    if not (chain_file.exists() and key_file.exists()):
        return None
    certificate, authority = x509.load_pem_x509_certificates(chain_file.read_bytes())
    key = load_pem_private_key(key_file.read_bytes(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(f"{key_file} holds no RSA key. Delete it; a new one will be made.")
    return Certificates(authority, certificate, key)


def _keep(made: Certificates, folder: Path) -> None:
    key_file = folder / _KEY_FILE
    key_file.touch(mode=0o600)
    key_file.write_bytes(made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / _CHAIN_FILE).write_bytes(made.chain_pem)


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _AUTHORITY_NAME),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(subject: x509.Name, key: rsa.RSAPrivateKey, now: datetime) -> x509.CertificateBuilder:
    """Start a certificate, valid since yesterday so that clocks may differ."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _certify_authority(key: rsa.RSAPrivateKey, now: datetime) -> x509.Certificate:
    name = _name("PayPal emulator's certificate authority")
    return (
        _builder(name, key, now)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _certify_signer(
    key: rsa.RSAPrivateKey,
    authority: x509.Certificate,
    authority_key: rsa.RSAPrivateKey,
    now: datetime,
) -> x509.Certificate:
    authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    return (
        _builder(_name(SIGNER_NAME), key, now)
        .issuer_name(authority.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(SIGNER_NAME)]), critical=False)
        .add_extension(authority_id, critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
