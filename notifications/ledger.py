"""The ledger's statements: who sends which email, and what became of it.

Every statement is one short transaction; none is held while an email is on its way. An `Owner` is
alive while a session of its own holds the advisory lock of its token, and what it sends is recorded
through that very session: an owner that lost it can begin no email and record none.
"""

import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg2
from django.db import connection, transaction
from django.utils import timezone
from psycopg2.extras import wait_select

from notifications.database import ALIVE, lock_class, loss_is_operational, storable
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

# One commit between two turns: what became of the last emails, and the start of the next, which are
# moves without a status. One UPDATE of all: PostgreSQL reads a table's constraints anew for each.
# The ids ($2) are there for its plan, made while the ledger may be empty and used when it is long.
_ADVANCE = f"""
    UPDATE {_TABLE} email SET
        status = coalesce(move.status, 'SENDING'),
        reason = coalesce(move.reason, email.reason),
        error = coalesce(move.error, email.error),
        owner = CASE WHEN move.status IS NULL THEN email.owner END,
        attempts = email.attempts + coalesce(move.attempts, 0),
        unknown = email.unknown + coalesce(move.unknown, 0),
        next_attempt_at = move.next_attempt_at,
        first_refused_at = coalesce(email.first_refused_at, move.first_refused_at),
        settled_at = move.settled_at,
        headers = CASE WHEN move.settled_at IS NULL THEN email.headers END,
        value = CASE WHEN move.settled_at IS NULL THEN email.value END
    FROM json_to_recordset($1) AS move (
        id bigint, status varchar, reason varchar, error text, attempts int, unknown int,
        next_attempt_at timestamptz, first_refused_at timestamptz, settled_at timestamptz)
    WHERE email.id = ANY ($2) AND email.id = move.id AND email.owner = $3
      AND (move.status IS NOT NULL OR email.status = 'CLAIMED')
    RETURNING email.id
"""  # noqa: S608

_RELEASE = f"""
    UPDATE {_TABLE} SET status = 'DEFERRED', owner = NULL, next_attempt_at = %s
    WHERE owner = %s AND status = 'CLAIMED'
"""  # noqa: S608


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

    def move(self) -> dict[str, Any]:
        """Return it as `advance` takes it."""
        settled_at = None if self.status in UNSETTLED else timezone.now()
        return {
            "id": self.delivery_id,
            "status": self.status.value,
            "reason": self.reason,
            "error": storable(self.error),
            "attempts": self.attempts,
            "unknown": self.unknown,
            "next_attempt_at": self.next_attempt_at and self.next_attempt_at.isoformat(),
            "first_refused_at": self.refused_at and self.refused_at.isoformat(),
            "settled_at": settled_at and settled_at.isoformat(),
        }


class _Session:
    """A database session of an owner's own, whose statements can be asked and answered apart.

    psycopg's asynchronous connection: `ask` sends a statement and returns, `rows` waits for it.
    """

    def __init__(self) -> None:
        with connection.wrap_database_errors:
            self._connection = psycopg2.connect(**connection.get_connection_params(), async_=True)
            wait_select(self._connection)
            self._cursor = self._connection.cursor()

    def ask(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        with loss_is_operational(self._is_usable), connection.wrap_database_errors:
            self._cursor.execute(statement, parameters)

    def rows(self) -> list[tuple[Any, ...]]:
        """Wait for what was asked."""
        with loss_is_operational(self._is_usable), connection.wrap_database_errors:
            wait_select(self._connection)
            return self._cursor.fetchall() if self._cursor.description else []

    def do(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        self.ask(statement, parameters)
        return self.rows()

    def close(self) -> None:
        self._connection.close()

    def _is_usable(self) -> bool:
        return not self._connection.closed


class Owner:
    """One consumer's claim on emails, alive while its own database session lives."""

    def __init__(self, group: str) -> None:
        self.token = secrets.randbits(62)
        self._class = lock_class(f"consumer {group}")
        self._session = _Session()
        self._session.do("SELECT pg_advisory_lock(%s)", [self.token])
        self._session.do("SET enable_seqscan = off")
        self._session.do(f"PREPARE advance (json, bigint[], bigint) AS {_ADVANCE}")
        self.slot = self._take_slot()

    def _take_slot(self) -> int:
        """Take the lowest free number: a stable name for a consumer that is started again."""
        for slot in range(_SLOTS):
            ((is_free,),) = self._session.do(
                "SELECT pg_try_advisory_lock(%s, %s)", [self._class, slot]
            )
            if is_free:
                return slot
        raise RuntimeError(f"There are {_SLOTS} consumers already.")

    def resign(self) -> None:
        """Give the locks back at once and end the session."""
        try:
            self._session.do("SELECT pg_advisory_unlock_all()")
        finally:
            self._session.close()

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

    def advance(self, done: Sequence[Outcome] = (), following: Sequence[int] = ()) -> set[int]:
        """Record outcomes and the start of the following emails in one commit.

        Return which emails it was done for: one that is no longer ours must not be handed over.
        """
        self.begin_advance(done, following)
        return self.end_advance()

    def begin_advance(self, done: Sequence[Outcome], following: Sequence[int]) -> None:
        """Ask for `advance` and do not wait; `end_advance` does."""
        moves = [*(outcome.move() for outcome in done), *({"id": pk} for pk in following)]
        ids = [move["id"] for move in moves]
        self._session.ask("EXECUTE advance (%s, %s, %s)", [json.dumps(moves), ids, self.token])

    def end_advance(self) -> set[int]:
        return {pk for (pk,) in self._session.rows()}

    def release(self, until: datetime) -> None:
        """Put down everything not begun yet, for any consumer to take up; no attempt is spent."""
        self._session.do(_RELEASE, [until, self.token])


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
