"""Text that only this shop can read again, under a key made from SECRET_KEY."""

import base64
import hashlib

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings

_PURPOSE = b"notifications.sealing"


def seal_text(text: str) -> str:
    return _cipher().encrypt(text.encode()).decode()


def open_sealed(sealed: str) -> str:
    """Return what was sealed. Raises cryptography's InvalidToken."""
    return _cipher().decrypt(sealed.encode()).decode()


def _cipher() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_key(str(key))) for key in keys])


def _key(secret: str) -> bytes:
    digest = hashlib.blake2b(secret.encode(), digest_size=32, person=_PURPOSE[:16]).digest()
    return base64.urlsafe_b64encode(digest)
