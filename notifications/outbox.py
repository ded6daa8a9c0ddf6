"""Record what happened, in the transaction in which it happened."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from lifecycles.statements import insert, write
from notifications.events import SCHEMA_VERSION
from notifications.models import Event, OutboxEntry
from notifications.stages import EVENT_TYPES, Role, Stage, stages_of
from notifications.stopping import has_stopped
from notifications.tracing import traceparent

_SWITCHES = "SELECT role, enabled FROM notifications_stagesetting WHERE type = %s"


@dataclass(frozen=True)
class Recipient:
    """A customer as an email needs to know them."""

    email: str
    name: str
    locale: str


def record_event(
    *,
    type: str,  # noqa: A002 - CloudEvents' own word
    subject: str,
    customer: Recipient | None,
    body: dict[str, Any],
    personal: dict[str, Any],
    valid_until: datetime | None = None,
    covered_by: UUID | None = None,
    notify: bool = True,
) -> Event:
    """Store the event and queue it for Kafka; joins the caller's transaction.

    Who is to be told is decided here and fixed in the event, so that a later switch or a second
    reading of the topic mails nothing old. `subject` is the order's number, or the SKU. `personal`
    is what forgetting a customer empties; `notify=False` records the event and tells nobody.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("record_event must run in the transaction that it tells about.")
    if type not in EVENT_TYPES:
        raise ValueError(f"No stage is called {type!r}.")
    facts = {
        "schema_version": SCHEMA_VERSION,
        "valid_until": valid_until.isoformat() if valid_until else None,
        "covered_by": str(covered_by) if covered_by else None,
        **body,
    }
    deliver_to = list(_deliver_to(type, customer)) if notify else []
    event = Event(
        type=type,
        subject=subject,
        traceparent=traceparent(),
        body=facts,
        personal={"deliver_to": deliver_to, **personal},
    )
    write(insert(event), insert(OutboxEntry(event=event)))
    return event


def _deliver_to(event_type: str, customer: Recipient | None) -> Iterable[dict[str, str]]:
    """List who is told of an event: by its stages and their switches."""
    for stage in _stages_on(event_type):
        for recipient in _recipients(stage.role, customer):
            if stage.may_be_stopped and has_stopped(recipient.email):
                continue
            yield {
                "role": stage.role.value,
                "email": recipient.email,
                "name": recipient.name,
                "locale": recipient.locale,
            }


def _stages_on(event_type: str) -> list[Stage]:
    stages = stages_of(event_type)
    if not stages:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_SWITCHES, [event_type])
        switches = dict(cursor.fetchall())
    return [stage for stage in stages if switches.get(stage.role.value, stage.is_on)]


def _recipients(role: Role, customer: Recipient | None) -> list[Recipient]:
    if role is Role.CUSTOMER:
        return [customer] if customer and customer.email else []  # none: forgotten
    return [
        Recipient(email=address, name="", locale=settings.LANGUAGE_CODE)
        for address in settings.STAFF_EMAIL
    ]
