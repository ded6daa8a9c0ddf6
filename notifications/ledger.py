"""The ledger's statements: who sends which email, and what became of it.

Every statement is one short transaction; none is held while an email is on its way. An `Owner` is
alive while its session holds the advisory lock of its token, and the ledger is written through
that very session: an owner that lost it can record nothing more.
"""

import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from notifications.database import ALIVE, lock_class
from notifications.models import UNSETTLED, DeliveryStatus, EmailDelivery

_SLOTS = 64
_TABLE = EmailDelivery._meta.db_table
_UNSETTLED = ", ".join(f"'{status.value}'" for status in UNSETTLED)
_KEPT_COLUMNS = (
    "event_id",
    "role",
    "address_hash",
    "resend",
    "event_type",
    "subject",
    "recorded_at",
    "email",
    "name",
    "locale",
    "message_id",
    "topic",
    "partition",
    "offset",
    "headers",
    "value",
)
_NEW_COLUMNS = (*_KEPT_COLUMNS, "status", "reason", "owner", "created_at", "settled_at")
_Key = tuple[UUID, str, str, int]

# A crashed owner's row is taken over; a bare DO NOTHING would take it for a duplicate.
_CLAIM = f"""
    INSERT INTO {_TABLE} AS ours ({", ".join(f'"{name}"' for name in _NEW_COLUMNS)})
    VALUES %s
    ON CONFLICT (event_id, role, address_hash, resend) DO UPDATE
    SET status = 'CLAIMED', owner = EXCLUDED.owner,
        unknown = ours.unknown + (ours.status = 'SENDING')::int
    WHERE ours.status IN ('CLAIMED', 'SENDING')
      AND (ours.owner IS NULL OR ours.owner NOT IN ({ALIVE}))
    RETURNING id, event_id, role, address_hash, resend, owner, xmax = 0 AS is_new
"""  # noqa: S608 - names of our own columns

_WAIT_FOR_EARLIER = f"""
    UPDATE {_TABLE} later SET status = 'WAITING', owner = NULL
    WHERE later.id = ANY(%s) AND later.status = 'CLAIMED' AND EXISTS (
        SELECT 1 FROM {_TABLE} earlier
        WHERE earlier.subject = later.subject AND earlier.address_hash = later.address_hash
          AND earlier.id < later.id AND earlier.status IN ({_UNSETTLED})
          AND earlier.owner IS DISTINCT FROM later.owner)
    RETURNING later.id
"""  # noqa: S608

_TAKE_DUE = f"""
    UPDATE {_TABLE} SET status = 'CLAIMED', owner = %s, next_attempt_at = NULL,
        unknown = unknown + (status = 'SENDING')::int
    WHERE id = ANY (ARRAY(
        SELECT due.id FROM {_TABLE} due
        WHERE due.status IN ({_UNSETTLED})
          AND (due.status = 'WAITING'
               OR (due.status = 'DEFERRED' AND due.next_attempt_at <= %s)
               OR (due.status IN ('CLAIMED', 'SENDING')
                   AND (due.owner IS NULL OR due.owner NOT IN ({ALIVE}))))
          AND NOT EXISTS (
              SELECT 1 FROM {_TABLE} earlier
              WHERE earlier.subject = due.subject AND earlier.address_hash = due.address_hash
                AND earlier.id < due.id AND earlier.status IN ({_UNSETTLED}))
        ORDER BY due.id LIMIT %s FOR UPDATE SKIP LOCKED))
    RETURNING *
"""  # noqa: S608

# One commit between two emails: what became of the last ($1), and the start of the next ($11). One
# UPDATE of both rows: PostgreSQL reads a table's constraints anew for each. Prepared once for each
# owner, in the order of `Outcome.parameters`, its owner and the following email.
_ADVANCE = f"""
    UPDATE {_TABLE} SET
        status = CASE id WHEN $1 THEN $2 ELSE 'SENDING' END,
        reason = CASE id WHEN $1 THEN $3 ELSE reason END,
        error = CASE id WHEN $1 THEN $4 ELSE error END,
        owner = CASE id WHEN $1 THEN NULL ELSE owner END,
        attempts = attempts + CASE id WHEN $1 THEN $5 ELSE 0 END,
        unknown = unknown + CASE id WHEN $1 THEN $6 ELSE 0 END,
        next_attempt_at = CASE id WHEN $1 THEN $7 ELSE next_attempt_at END,
        first_refused_at = coalesce(first_refused_at, CASE id WHEN $1 THEN $8 END),
        settled_at = CASE id WHEN $1 THEN $9 ELSE settled_at END,
        headers = CASE WHEN id = $1 AND $9 IS NOT NULL THEN NULL ELSE headers END,
        value = CASE WHEN id = $1 AND $9 IS NOT NULL THEN NULL ELSE value END
    WHERE id IN ($1, $11) AND owner = $10 AND (id = $1 OR status = 'CLAIMED')
    RETURNING id
"""  # noqa: S608
_ADVANCE_TYPES = (
    "bigint, varchar, varchar, text, int, int, timestamptz, timestamptz, timestamptz,"
    " bigint, bigint"
)

_RELEASE = f"""
    UPDATE {_TABLE} SET status = 'DEFERRED', owner = NULL, next_attempt_at = %s
    WHERE owner = %s AND status = 'CLAIMED'
"""  # noqa: S608

_NOBODY = -1


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """An email that an event asks for."""

    event_id: UUID
    role: str
    address_hash: str
    event_type: str
    subject: str
    recorded_at: datetime
    email: str
    name: str
    locale: str
    message_id: str
    topic: str
    partition: int | None
    offset: int | None
    headers: list[list[str]]
    value: bytes
    skipped: str = ""
    resend: int = 0
    data: dict[str, Any] | None = field(default=None, compare=False)  # the value, if it was read

    def key(self) -> _Key:
        return (self.event_id, self.role, self.address_hash, self.resend)

    def row(self, owner: int | None, now: datetime) -> tuple[Any, ...]:
        status = DeliveryStatus.SKIPPED if self.skipped else DeliveryStatus.CLAIMED
        kept = not self.skipped
        facts = {
            "status": status.value,
            "reason": self.skipped,
            "owner": owner if kept else None,
            "created_at": now,
            "settled_at": None if kept else now,
            "headers": json.dumps(self.headers) if kept else None,
            "value": self.value if kept else None,
        }
        return tuple(facts.get(name, getattr(self, name, None)) for name in _NEW_COLUMNS)

    def delivery(self, pk: int, owner: int) -> EmailDelivery:
        """Return the row that was just entered, without asking for it again."""
        entered = EmailDelivery(
            pk=pk,
            status=DeliveryStatus.CLAIMED,
            owner=owner,
            **{name: getattr(self, name) for name in _KEPT_COLUMNS},
        )
        if self.data is not None:
            entered.data = self.data
        return entered


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an email in hand."""

    delivery_id: int
    status: DeliveryStatus
    reason: str = ""
    error: str = ""
    attempts: int = 0
    unknown: int = 0
    next_attempt_at: datetime | None = None
    refused_at: datetime | None = None

    def parameters(self) -> tuple[Any, ...]:
        return (
            self.delivery_id,
            self.status.value,
            self.reason,
            self.error,
            self.attempts,
            self.unknown,
            self.next_attempt_at,
            self.refused_at,
            None if self.status in UNSETTLED else timezone.now(),
        )


_NOTHING_DONE = Outcome(_NOBODY, DeliveryStatus.WAITING).parameters()


class Owner:
    """One consumer's claim on emails, alive while its database session lives."""

    def __init__(self, group: str) -> None:
        self.token = secrets.randbits(62)
        self._class = lock_class(f"consumer {group}")
        # Held open: if its session ends, it fails, and no other session is taken instead.
        self._cursor = connection.cursor()
        self._cursor.execute("SELECT pg_advisory_lock(%s)", [self.token])
        self._cursor.execute(f"PREPARE advance_{self.token} ({_ADVANCE_TYPES}) AS {_ADVANCE}")
        self._advance = f"EXECUTE advance_{self.token} ({', '.join(['%s'] * 11)})"
        self.slot = self._take_slot()

    def _take_slot(self) -> int:
        """Take the lowest free number: a stable name for a consumer that is started again."""
        for slot in range(_SLOTS):
            self._cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [self._class, slot])
            if self._cursor.fetchone()[0]:
                return slot
        raise RuntimeError(f"There are {_SLOTS} consumers already.")

    def resign(self) -> None:
        """Give the locks back; a lost session has done so by itself."""
        self._cursor.execute(f"DEALLOCATE advance_{self.token}")
        self._cursor.execute(
            "SELECT pg_advisory_unlock(%s), pg_advisory_unlock(%s, %s)",
            [self.token, self._class, self.slot],
        )

    def claim(self, wanted: Sequence[NewDelivery]) -> list[EmailDelivery]:
        """Enter emails and return those that are ours to send, in the order of their events.

        Missing from it: those skipped, those that wait behind an earlier one of their subject and
        address, and those entered before (see `held_elsewhere`).
        """
        if not wanted:
            return []
        unique = {entry.key(): entry for entry in wanted}  # a batch may repeat an event
        with transaction.atomic():
            rows = _insert(unique.values(), self.token)
            ours = [row for row in rows if row.owner == self.token]
            waiting = _behind_earlier([row.id for row in ours])
            taken_over = EmailDelivery.objects.in_bulk([row.id for row in ours if not row.is_new])
        return [
            taken_over.get(row.id) or unique[row.key()].delivery(row.id, self.token)
            for row in sorted(ours)
            if row.id not in waiting
        ]

    def held_elsewhere(self, wanted: Sequence[NewDelivery]) -> bool:
        """Say whether one of the emails is in the hands of another owner, alive or dead."""
        mine = {entry.key() for entry in wanted}
        held = (
            EmailDelivery.objects.filter(event_id__in={entry.event_id for entry in wanted})
            .filter(status__in=[DeliveryStatus.CLAIMED, DeliveryStatus.SENDING])
            .exclude(owner=self.token)
            .exclude(owner=None)
        )
        keys = held.values_list("event_id", "role", "address_hash", "resend")
        return any(tuple(key) in mine for key in keys)

    def take_due(self, limit: int) -> list[EmailDelivery]:
        """Take up emails that nobody has in hand and whose time has come, oldest first."""
        rows = EmailDelivery.objects.raw(_TAKE_DUE, [self.token, timezone.now(), limit])
        return sorted(rows, key=lambda row: row.pk)

    def advance(self, done: Outcome | None, following: int | None) -> bool:
        """Record one outcome and the start of the following email in one commit.

        Return whether the following email is still ours to hand over.
        """
        outcome = done.parameters() if done else _NOTHING_DONE
        self._cursor.execute(self._advance, (*outcome, self.token, following or _NOBODY))
        return (following,) in self._cursor.fetchall()

    def release(self, until: datetime) -> None:
        """Put down everything not begun yet, for any consumer to take up; no attempt is spent."""
        self._cursor.execute(_RELEASE, [until, self.token])


def enter_unowned(wanted: Sequence[NewDelivery]) -> int:
    """Enter emails for any consumer to take up; return how many were not there before."""
    unique = {entry.key(): entry for entry in wanted}
    return len(_insert(unique.values(), None)) if unique else 0


class _Entered(NamedTuple):
    """A row that was entered or taken over."""

    id: int
    event_id: UUID
    role: str
    address_hash: str
    resend: int
    owner: int | None
    is_new: bool

    def key(self) -> _Key:
        return (self.event_id, self.role, self.address_hash, self.resend)


def _insert(wanted: Collection[NewDelivery], owner: int | None) -> list[_Entered]:
    now = timezone.now()
    one = f"({', '.join(['%s'] * len(_NEW_COLUMNS))})"
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM % ", ".join([one] * len(wanted)),
            [value for entry in wanted for value in entry.row(owner, now)],
        )
        return [_Entered(*row) for row in cursor.fetchall()]


def _behind_earlier(ids: list[int]) -> set[int]:
    if not ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_WAIT_FOR_EARLIER, [ids])
        return {row[0] for row in cursor.fetchall()}
