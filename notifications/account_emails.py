"""Emails about an account or a wish, not about what happened to an order.

They carry a link that opens something (a password, an order), so no event tells of them: events are
kept for ever and lie on a topic. They are entered into the ledger as they are asked for, in the
asker's language; any consumer sends them, with Kafka or without, and forgets the link with that.
Until then it is sealed: who reads the ledger, a dead letter or a backup, cannot follow it.
"""

import json
import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.utils import timezone

from notifications.emails import address_hash, message_id
from notifications.events import SCHEMA_VERSION, headers_to_json, seal, write_time
from notifications.ledger import NewDelivery, enter_unowned
from notifications.models import UNSETTLED, EmailDelivery
from notifications.outbox import Recipient
from notifications.sealing import seal_text
from notifications.stages import Role

# What is kept of them afterwards: that one was sent, to whom and when; the address for so long.
KEPT = timedelta(days=30)


class AccountEmail(StrEnum):
    """What they are about. Outside the stage table: whoever asks for one waits for it."""

    CONFIRM = "account.confirm"
    CHANGE = "account.change"
    EXISTS = "account.exists"
    UNKNOWN = "account.unknown"
    PASSWORD_RESET = "account.password_reset"  # noqa: S105 - the name of an email
    PASSWORD_CHANGED = "account.password_changed"  # noqa: S105
    EMAIL_CHANGED = "account.email_changed"
    FACTOR_ADDED = "account.factor_added"
    FACTOR_REMOVED = "account.factor_removed"
    CODES_MADE = "account.codes_made"
    DELETED = "account.deleted"
    FIND_ORDER = "order.link"


def queue_account_email(
    kind: AccountEmail,
    *,
    to: Recipient,
    links: Mapping[str, str],
    facts: Mapping[str, Any] | None = None,
    valid_for: timedelta | None = None,
    skipped: str = "",
) -> None:
    """Enter an email that any consumer sends; joins the caller's transaction, if there is one.

    After `valid_for` it is no longer sent. With `skipped` it is entered as one not to be sent, for
    that reason: the same work, so that nobody can tell from outside.
    """
    now, event_id = timezone.now(), uuid.uuid4()
    value = json.dumps(
        {
            "schema_version": SCHEMA_VERSION,
            "valid_until": (now + valid_for).isoformat() if valid_for else None,
            "sealed": {name: seal_text(link) for name, link in links.items()},
            **(facts or {}),
        }
    ).encode()
    enter_unowned([_delivery(kind, to, event_id, now, value, skipped)])


def _delivery(
    kind: AccountEmail,
    to: Recipient,
    event_id: uuid.UUID,
    now: datetime,
    value: bytes,
    skipped: str,
) -> NewDelivery:
    sealed = seal(
        event_id=str(event_id),
        event_type=kind.value,
        subject=str(event_id),  # none waits behind another
        at=write_time(now),
        traceparent=f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01",
        value=value,
    )
    hashed = address_hash(to.email)
    return NewDelivery(
        event_id=event_id,
        role=Role.CUSTOMER.value,
        address_hash=hashed,
        event_type=kind.value,
        subject=str(event_id),
        recorded_at=now,
        email="" if skipped else to.email,
        name="" if skipped else to.name,
        locale=to.locale,
        message_id=message_id(event_id, Role.CUSTOMER.value, hashed),
        topic="",
        partition=None,
        offset=None,
        headers=headers_to_json(sealed.headers),
        value=sealed.value,
        skipped=skipped,
    )


def forget_old_addresses() -> int:
    """Blank to whom such emails went a month ago; return how many."""
    old = EmailDelivery.objects.filter(
        created_at__lt=timezone.now() - KEPT, event_type__in=list(AccountEmail)
    )
    return old.exclude(status__in=UNSETTLED).exclude(email="").update(email="", name="", error="")
