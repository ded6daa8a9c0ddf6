"""Write an email from an event: its stage's folder of templates, in the recipient's language.

Every stage has a folder, `templates/notifications/<event type>/<role>/`. Its words are in
`subject.txt`, `heading.txt` and `story.txt` (paragraphs between empty lines), and stand alike in
`body.txt` and `body.html`, which add what is shown below them and the one thing to do.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import translation
from django.utils.crypto import salted_hmac
from django.utils.encoding import punycode

from notifications.mime import Mailbox, WrittenEmail
from notifications.rendering import describe_failure, render
from notifications.sealing import open_sealed
from notifications.stages import Role, may_be_stopped
from notifications.stopping import stop_link

_LONGEST_NAME = 70
_PLAIN_USER = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+")
_EMPTY_LINES = re.compile(r"\n\s*\n")


class Unwritable(Exception):
    """An email that cannot be written. `reason` is the dead letter's."""

    def __init__(self, reason: str, error: str) -> None:
        super().__init__(error)
        self.reason = reason
        self.error = error


def write_email(
    *,
    event_id: UUID,
    event_type: str,
    role: str,
    address: str,
    name: str,
    locale: str,
    message_id: str,
    data: dict[str, Any],
) -> WrittenEmail:
    """Write the email in the recipient's language; `Unwritable` says what is wrong with it."""
    recipient = _recipient(address, name)
    facts = {**data, "event": data, "shop": _shop(), "recipient": {"name": name, "email": address}}
    headers: dict[str, str] = {}
    try:
        if may_be_stopped(event_type, role):
            facts["stop_link"] = link = stop_link(address)
            headers = {
                "List-Unsubscribe": f"<{link}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            }
        if "sealed" in data:
            facts["links"] = {key: open_sealed(link) for key, link in data["sealed"].items()}
        with translation.override(_language(locale)):
            letter = _write_letter(_folder(event_type, role), facts)
        written = WrittenEmail(
            to=recipient,
            subject=letter.subject,
            body=letter.text,
            html=letter.html,
            reply_to=[settings.DEFAULT_FROM_EMAIL],
            headers={**_headers(event_id, event_type, message_id, data), **headers},
        )
        written.content()
    except Exception as error:  # whatever a template raises concerns this email alone
        raise Unwritable("render", describe_failure(error)) from error
    return written


def address_hash(address: str) -> str:
    """Return the keyed hash that tells addresses apart without naming them."""
    folded = address.strip().casefold()
    return salted_hmac("notifications.address", folded, algorithm="sha256").hexdigest()


def message_id(event_id: UUID, role: str, hashed: str, resend: int = 0) -> str:
    """Derive the Message-ID: the same for every attempt, another for each resend.

    Short enough to stand on one line of the header.
    """
    parts = f"{event_id} {role} {hashed} {resend}"
    return f"<{hashlib.sha256(parts.encode()).hexdigest()[:32]}@{_mail_domain()}>"


@dataclass(frozen=True, slots=True)
class _Letter:
    """What a recipient reads."""

    subject: str
    text: str
    html: str


def _write_letter(folder: str, facts: dict[str, Any]) -> _Letter:
    facts["heading"] = _on_one_line(render(f"{folder}/heading.txt", facts))
    paragraphs = _EMPTY_LINES.split(render(f"{folder}/story.txt", facts))
    facts["story"] = [line for line in map(_on_one_line, paragraphs) if line]
    return _Letter(
        subject=_on_one_line(render(f"{folder}/subject.txt", facts)),
        text=_EMPTY_LINES.sub("\n\n", render(f"{folder}/body.txt", facts).strip()) + "\n",
        html=render(f"{folder}/body.html", facts, is_html=True),
    )


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _folder(event_type: str, role: str) -> str:
    return f"notifications/{event_type}/{Role(role).value}"


def _language(locale: str) -> str:
    """Return the shop's language nearest to the recipient's."""
    spoken = dict(settings.LANGUAGES)
    language = locale.replace("_", "-").split("-")[0].lower()
    return language if language in spoken else settings.LANGUAGE_CODE


def _recipient(address: str, name: str) -> Mailbox:
    visible = "".join(letter for letter in name if unicodedata.category(letter)[0] != "C")
    try:
        validate_email(address)
        user, _, domain = address.rpartition("@")
        if not _PLAIN_USER.fullmatch(user):
            Address(addr_spec=address)  # it knows better what may be quoted
        return Mailbox(visible.strip()[:_LONGEST_NAME], f"{user}@{punycode(domain)}")
    except (ValidationError, ValueError, IndexError, MessageError) as error:
        raise Unwritable("address", "The address is no email address.") from error


def _headers(
    event_id: UUID, event_type: str, written_id: str, data: dict[str, Any]
) -> dict[str, str]:
    headers = {
        "Message-ID": written_id,
        "X-Event-Id": str(event_id),
        "X-Event-Type": event_type,
        "Auto-Submitted": "auto-generated",
    }
    if order := data.get("order"):
        headers["X-Order-Number"] = str(order["number"])
    return headers


def _shop() -> dict[str, str]:
    return {"name": settings.SHOP_NAME, "url": settings.SHOP_URL}


def _mail_domain() -> str:
    return settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip(" >") or "localhost"
