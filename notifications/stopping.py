"""Reminders that their reader does not want: the link in each email, and who has used it."""

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.utils.crypto import salted_hmac

from notifications.models import StoppedReader

_signer = Signer(salt="notifications.stopping")


def stop_link(address: str) -> str:
    """Return the address of the page where this reader's reminders end; it names nobody."""
    return f"{settings.SHOP_URL}/emails/stop/{_signer.sign(reader_hash(address))}/"


def reader_hash(address: str) -> str:
    """Return the keyed hash of an address, another one than the ledger's: links show it."""
    folded = address.strip().casefold()
    return salted_hmac("notifications.reader", folded, algorithm="sha256").hexdigest()


def read_stop_token(token: str) -> str | None:
    """Return whose link it is, as a hash; None where it is none of ours."""
    try:
        return _signer.unsign(token)
    except BadSignature:
        return None


def stop(reader: str) -> None:
    """Send that reader no more reminders; what was recorded before is sent still."""
    StoppedReader.objects.get_or_create(reader=reader)


def go_on(reader: str) -> None:
    """Send that reader reminders again."""
    StoppedReader.objects.filter(reader=reader).delete()


def has_stopped(address: str) -> bool:
    return StoppedReader.objects.filter(reader=reader_hash(address)).exists()
