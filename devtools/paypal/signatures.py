"""How PayPal signs a webhook: RSA-SHA256 over who, when, for whom and what."""

import base64
import binascii
import time
import uuid
import zlib
from dataclasses import dataclass

from devtools.paypal.certificates import Certificates
from devtools.paypal.clock import timestamp
from devtools.paypal.records import JSON

ALGORITHM = "SHA256withRSA"


@dataclass(frozen=True)
class Signer:
    """Sign webhooks and check such signatures."""

    certificates: Certificates
    certificate_url: str

    def headers(self, body: bytes, webhook_id: str, *, wrong: bool = False) -> dict[str, str]:
        """Return the headers of one transmission; with `wrong`, its signature is over another."""
        transmission_id, sent_at = str(uuid.uuid1()), timestamp(time.time())
        message = signed_text(transmission_id, sent_at, webhook_id, body + b" " * wrong)
        return {
            "PAYPAL-TRANSMISSION-ID": transmission_id,
            "PAYPAL-TRANSMISSION-TIME": sent_at,
            "PAYPAL-TRANSMISSION-SIG": base64.b64encode(self.certificates.sign(message)).decode(),
            "PAYPAL-CERT-URL": self.certificate_url,
            "PAYPAL-AUTH-ALGO": ALGORITHM,
        }

    def is_genuine(self, claim: JSON, body: bytes) -> bool:
        """Say whether a `verify-webhook-signature` request describes a webhook signed here."""
        message = signed_text(
            claim["transmission_id"], claim["transmission_time"], claim["webhook_id"], body
        )
        try:
            signature = base64.b64decode(claim["transmission_sig"], validate=True)
        except binascii.Error:
            return False
        return (
            claim["auth_algo"] == ALGORITHM
            and claim["cert_url"] == self.certificate_url
            and self.certificates.has_signed(message, signature)
        )


def signed_text(transmission_id: str, sent_at: str, webhook_id: str, body: bytes) -> bytes:
    """Return what the signature is over. The checksum is of the body's very bytes, in decimal."""
    return f"{transmission_id}|{sent_at}|{webhook_id}|{zlib.crc32(body)}".encode()
