"""Events, their queue to Kafka, the ledger of emails and the programs' heartbeats."""

import json
import uuid
from typing import Any, Self

import pgtrigger
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Case, Q, When
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from notifications.stages import STAGES, Role, Stage, stages_of

ROLES = [(role.value, role.value.capitalize()) for role in Role]


class Event(models.Model):
    """What happened, for ever. `body | personal` is the value published on Kafka.

    PostgreSQL refuses every change but one: `personal` may be emptied.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    type = models.CharField(max_length=64)
    subject = models.CharField(max_length=64, db_index=True)
    recorded_at = models.DateTimeField(default=timezone.now, db_index=True)
    traceparent = models.CharField(max_length=55)
    body = models.JSONField()
    personal = models.JSONField()

    class Meta:
        ordering = ["-recorded_at"]
        indexes = [
            models.Index(
                fields=["recorded_at"],
                condition=Q(type="staff.attention"),
                name="events_for_staff",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="keep", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="append_only",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func="""
                    IF NEW.personal <> '{}'::jsonb
                       OR (to_jsonb(NEW) - 'personal') <> (to_jsonb(OLD) - 'personal') THEN
                        RAISE EXCEPTION 'an event is never changed: only its personal part '
                                        'may be emptied';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.subject}"


class OutboxEntry(models.Model):
    """An event that Kafka has not taken yet. The relay deletes it on publishing."""

    event = models.ForeignKey(Event, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        verbose_name_plural = "outbox entries"

    def __str__(self) -> str:
        return f"{self.pk}: {self.event_id}"


class PublishedEvent(models.Model):
    """Where an event stands on Kafka.

    A row of its own, inserted with the outbox's deletion: events stay append-only, and no wide
    row is written twice.
    """

    event = models.OneToOneField(
        Event, models.PROTECT, primary_key=True, related_name="publication"
    )
    topic = models.CharField(max_length=249)
    partition = models.PositiveIntegerField()
    offset = models.PositiveBigIntegerField()
    published_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]@{self.offset}"


class QuarantinedEventQuerySet(models.QuerySet["QuarantinedEvent"]):
    """Events set aside."""

    def waiting(self) -> Self:
        """Return those about which nobody has decided yet."""
        return self.filter(given_up_at=None)


class QuarantinedEvent(models.Model):
    """An event that Kafka will never take (too large, say), set aside so that the rest flows."""

    event = models.OneToOneField(Event, models.PROTECT, primary_key=True, related_name="quarantine")
    error = models.TextField()
    quarantined_at = models.DateTimeField(default=timezone.now)
    given_up_at = models.DateTimeField(null=True)
    given_up_by = models.CharField(max_length=150, default="", db_default="")

    objects = QuarantinedEventQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.event_id}: {self.error}"


class StageSettingQuerySet(models.QuerySet["StageSetting"]):
    """Rows of stages that may be gone, or not there yet."""

    def known(self) -> Self:
        """Return those the shop still has, in the order of the stage table."""
        places = [
            When(type=stage.type, role=stage.role.value, then=place)
            for place, stage in enumerate(STAGES)
        ]
        return (
            self.annotate(place=Case(*places, output_field=models.IntegerField()))
            .filter(place__isnull=False)
            .order_by("place")
        )


class StageSetting(models.Model):
    """What staff decided about a stage; without a row its default holds."""

    type = models.CharField(max_length=64)
    role = models.CharField(max_length=16, choices=ROLES)
    enabled = models.BooleanField(help_text=_("Counts from the next event on."))

    objects = StageSettingQuerySet.as_manager()

    class Meta:
        verbose_name = _("stage")
        verbose_name_plural = _("stages")
        constraints = [
            models.UniqueConstraint(fields=["type", "role"], name="stage_setting_once"),
        ]

    def __str__(self) -> str:
        return f"{self.type} ({self.role}): {'on' if self.enabled else 'off'}"

    @property
    def stage(self) -> Stage:
        return next(one for one in stages_of(self.type) if one.role == self.role)


class SuppressedAddress(models.Model):
    """An address whose owner asked to be forgotten, known by its keyed hash alone.

    What was recorded until then is not sent there any more; whoever orders again is written to.
    """

    address_hash = models.CharField(max_length=64, primary_key=True)
    until = models.DateTimeField(help_text="What was recorded up to then is not sent.")

    class Meta:
        verbose_name_plural = "suppressed addresses"

    def __str__(self) -> str:
        return f"{self.address_hash[:8]}… until {self.until:%Y-%m-%d %H:%M}"


class StoppedReader(models.Model):
    """Who wants no reminders, known by a keyed hash of their address alone."""

    reader = models.CharField(max_length=64, primary_key=True)
    stopped_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.reader[:8]}…"


class DeliveryStatus(models.TextChoices):
    """Where an email stands."""

    CLAIMED = "CLAIMED"  # an owner will send it
    SENDING = "SENDING"  # being handed to the mail server right now
    DEFERRED = "DEFERRED"  # to be tried at `next_attempt_at`
    WAITING = "WAITING"  # behind an earlier email of the same subject and address
    SENT = "SENT"  # accepted by the mail server
    SKIPPED = "SKIPPED"  # not to be sent, `reason` says why
    FAILED = "FAILED"  # refused for good by the mail server
    DEAD = "DEAD"  # set aside as a dead letter


UNSETTLED = [
    DeliveryStatus.CLAIMED,
    DeliveryStatus.SENDING,
    DeliveryStatus.DEFERRED,
    DeliveryStatus.WAITING,
]
DELIVERY_MOVES = [
    ("CLAIMED", "SENDING"),
    ("CLAIMED", "DEFERRED"),
    ("CLAIMED", "WAITING"),
    ("CLAIMED", "SKIPPED"),
    ("CLAIMED", "DEAD"),
    ("SENDING", "CLAIMED"),
    ("SENDING", "SENT"),
    ("SENDING", "DEFERRED"),
    ("SENDING", "FAILED"),
    ("SENDING", "DEAD"),
    ("DEFERRED", "CLAIMED"),
    ("DEFERRED", "SKIPPED"),
    ("WAITING", "CLAIMED"),
    ("WAITING", "SKIPPED"),
    ("DEAD", "CLAIMED"),
]


class EmailDelivery(models.Model):
    """The ledger: one email to one address about one event.

    The row keeps the message's own bytes (`value`, `headers`) until it is settled, so that any
    consumer can take it up; `owner` is the key of its consumer's session advisory lock.
    """

    event_id = models.UUIDField()
    role = models.CharField(max_length=16, choices=ROLES)
    address_hash = models.CharField(max_length=64)
    resend = models.PositiveSmallIntegerField(default=0)
    event_type = models.CharField(max_length=64)
    subject = models.CharField(max_length=64, db_index=True)
    recorded_at = models.DateTimeField()
    email = models.CharField(max_length=320)
    name = models.TextField()
    locale = models.CharField(max_length=16)
    message_id = models.CharField(max_length=255)
    topic = models.CharField(max_length=249)
    partition = models.IntegerField(null=True)
    offset = models.BigIntegerField(null=True)
    status = models.CharField(max_length=16, choices=DeliveryStatus)
    reason = models.CharField(max_length=32, default="", db_default="")
    error = models.TextField(default="", db_default="")
    owner = models.BigIntegerField(null=True)
    attempts = models.PositiveIntegerField(default=0, db_default=0)
    unknown = models.PositiveIntegerField(default=0, db_default=0)
    first_refused_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True)
    headers = models.JSONField(null=True)
    value = models.BinaryField(null=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "email deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["event_id", "role", "address_hash", "resend"], name="delivery_once"
            ),
            models.CheckConstraint(
                condition=Q(status__in=DeliveryStatus.values), name="delivery_status_known"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=UNSETTLED) | Q(value__isnull=False),
                name="delivery_keeps_its_value",
            ),
            models.CheckConstraint(
                condition=~Q(status=DeliveryStatus.DEFERRED) | Q(next_attempt_at__isnull=False),
                name="delivery_deferred_until",
            ),
        ]
        indexes = [
            models.Index(
                fields=["subject", "address_hash", "id"],
                condition=Q(status__in=UNSETTLED),
                name="delivery_unsettled",
            ),
            BrinIndex(fields=["created_at"], name="delivery_by_day"),
        ]
        triggers = [
            # Not pgtrigger.FSM: as a condition it costs the two updates of each email no function.
            pgtrigger.Trigger(
                name="legal_moves",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.status <> NEW.status AND OLD.status || ':' || NEW.status <> ALL"
                    f" ('{{{','.join(map(':'.join, DELIVERY_MOVES))}}}'::text[])"
                ),
                func="RAISE EXCEPTION 'an email cannot go from % to %', OLD.status, NEW.status;",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.subject} ({self.role}): {self.status}"

    @cached_property
    def data(self) -> dict[str, Any]:
        """Return what the event says; only an unsettled email has it."""
        found: dict[str, Any] = json.loads(bytes(self.value or b""))
        return found


class DeadLetter(models.Model):
    """A message, or one email of it, that could not be dealt with; a copy is on Kafka.

    `key`, `value` and `headers` are the message's own, `fingerprint` is their digest: a topic that
    was made anew counts its offsets from 0 again. `delivery` is set when one email alone died.
    Replaying sets `replayed_at`; dying again clears it.
    """

    reason = models.CharField(max_length=32)
    error = models.TextField()
    event_id = models.CharField(max_length=64)
    event_type = models.CharField(max_length=64)
    topic = models.CharField(max_length=249)
    partition = models.IntegerField(null=True)
    offset = models.BigIntegerField(null=True)
    key = models.BinaryField(null=True)
    value = models.BinaryField(null=True)
    headers = models.JSONField()
    fingerprint = models.CharField(max_length=64)
    delivery = models.ForeignKey(
        EmailDelivery, models.PROTECT, null=True, related_name="dead_letters"
    )
    created_at = models.DateTimeField(default=timezone.now)
    replayed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["fingerprint", "topic", "partition", "offset", "delivery"],
                name="dead_letter_once",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reason}: {self.event_type} {self.event_id}"


class Heartbeat(models.Model):
    """When a program was last seen at work."""

    program = models.CharField(max_length=32)
    instance = models.CharField(max_length=128)
    at = models.DateTimeField()
    detail = models.CharField(max_length=200, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "instance"], name="heartbeat_once"),
        ]

    def __str__(self) -> str:
        return f"{self.program} {self.instance}"
