"""Placements that did not end in their own request: promised, failed; and what the intake did."""

import uuid
from collections.abc import Mapping
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from lifecycles import check_transition, guard_states
from orders.models import Order
from shop.placement import Placement


class PromiseStatus(models.TextChoices):
    """Where a promised placement stands."""

    WAITING = "WAITING"  # its owner, or else the clock, will place it
    PLACED = "PLACED"
    REFUSED = "REFUSED"  # an expected answer: sold out, price changed, too old
    FAILED = "FAILED"  # an unexpected error: staff place it again


# The customer who sends the form again begins anew, whatever became of the first time.
PROMISE_TRANSITIONS: Mapping[str, frozenset[str]] = {
    PromiseStatus.WAITING: frozenset(
        {PromiseStatus.PLACED, PromiseStatus.REFUSED, PromiseStatus.FAILED}
    ),
    PromiseStatus.FAILED: frozenset(
        {PromiseStatus.PLACED, PromiseStatus.REFUSED, PromiseStatus.WAITING}
    ),
    PromiseStatus.PLACED: frozenset({PromiseStatus.WAITING}),
    PromiseStatus.REFUSED: frozenset({PromiseStatus.WAITING}),
}


class PromiseQuerySet(models.QuerySet["PlacementPromise"]):
    """Promises, and the lock that comes before an order's."""

    def locked(self, *, skip_locked: bool = False) -> Self:
        return self.select_for_update(of=("self",), no_key=True, skip_locked=skip_locked)


class PlacementPromise(models.Model):
    """A placement whose customer was told to come back: durable before they were told."""

    checkout_key = models.UUIDField(primary_key=True)
    fingerprint = models.CharField(max_length=64)
    cart_id = models.UUIDField()
    user_id = models.BigIntegerField(null=True)
    wish = models.JSONField(help_text="The placement; emptied when its customer is forgotten.")
    owner = models.BigIntegerField(
        help_text="The key of the advisory lock that its process's session holds."
    )
    status = models.CharField(
        max_length=7, choices=PromiseStatus.choices, default=PromiseStatus.WAITING
    )
    reason = models.CharField(max_length=30, blank=True, help_text="Why it was refused.")
    order = models.ForeignKey(Order, models.SET_NULL, null=True, related_name="promises")
    promised_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True)

    objects = PromiseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=PromiseStatus.values), name="promise_status_is_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["promised_at"], condition=Q(status="WAITING"), name="promises_to_keep"
            ),
            models.Index(fields=["settled_at"], name="promises_by_end"),
        ]
        triggers: ClassVar = guard_states(PROMISE_TRANSITIONS, initial=PromiseStatus.WAITING)

    def __str__(self) -> str:
        return f"{self.checkout_key}: {self.status}"

    @property
    def placement(self) -> Placement:
        return Placement.from_json(self.wish)

    def is_of(self, *, cart_id: uuid.UUID, user_id: int | None) -> bool:
        """Say whether it was given to this visitor."""
        return self.cart_id == cart_id or (user_id is not None and self.user_id == user_id)

    @property
    def is_open(self) -> bool:
        """Say whether an order may still come of it."""
        return self.status in {PromiseStatus.WAITING, PromiseStatus.FAILED}

    def move_to(
        self, status: PromiseStatus, *, reason: str = "", order: Order | None = None
    ) -> None:
        """Settle it, or leave it for staff. The caller holds its lock. Raises IllegalTransition."""
        check_transition(PROMISE_TRANSITIONS, thing=f"Promise {self}", old=self.status, new=status)
        self.status, self.reason, self.order = status, reason, order
        self.settled_at = timezone.now()
        self.save(update_fields=["status", "reason", "order", "settled_at"])


class FailureStatus(models.TextChoices):
    """What became of a failed placement."""

    OPEN = "OPEN"  # staff may place it again
    PLACED = "PLACED"
    REFUSED = "REFUSED"


class FailedPlacement(models.Model):
    """A placement that ended in an unexpected error: rolled back, kept for staff."""

    checkout_key = models.UUIDField()
    fingerprint = models.CharField(max_length=64)
    wish = models.JSONField("input", help_text="The placement as it was asked for.")
    email = models.EmailField(blank=True)
    error = models.CharField(max_length=500)
    traceback = models.TextField()
    attempts = models.PositiveIntegerField(default=1)
    incidents = ArrayField(
        models.UUIDField(), default=list, help_text="One for each time, so that twice makes one."
    )
    status = models.CharField(
        max_length=7, choices=FailureStatus.choices, default=FailureStatus.OPEN
    )
    reason = models.CharField(max_length=30, blank=True, help_text="Why it was refused.")
    order = models.ForeignKey(Order, models.SET_NULL, null=True, blank=True)
    failed_at = models.DateTimeField(help_text="The first time.")
    failed_again_at = models.DateTimeField(help_text="The last time.")
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-failed_at",)
        constraints = [
            models.UniqueConstraint(
                fields=["checkout_key", "fingerprint"], name="one_failure_for_each_wish"
            ),
            models.CheckConstraint(
                condition=Q(status__in=FailureStatus.values), name="failure_status_is_known"
            ),
        ]
        indexes = [
            models.Index(fields=["failed_at"], condition=Q(status="OPEN"), name="open_failures"),
        ]

    def __str__(self) -> str:
        return f"{self.checkout_key}: {self.error}"

    @property
    def placement(self) -> Placement:
        return Placement.from_json(self.wish)


class IntakeReport(models.Model):
    """What the intake of one web process did in a few seconds; kept for an hour or so."""

    process = models.CharField(max_length=100, help_text="Host and process number.")
    at = models.DateTimeField()
    workers = models.PositiveIntegerField()
    busy = models.PositiveIntegerField(help_text="Workers at work now.")
    queued = models.PositiveIntegerField(help_text="Placements that wait now.")
    most_queued = models.PositiveIntegerField(help_text="The longest queue since the last report.")
    done = models.PositiveIntegerField(help_text="Placements that came to an end.")
    refused = models.PositiveIntegerField(help_text="Turned away because the queue was full.")
    failed = models.PositiveIntegerField()
    longest_wait = models.FloatField(help_text="Seconds in the queue, at worst.")

    class Meta:
        indexes = [models.Index(fields=["at"], name="intake_reports_by_time")]

    def __str__(self) -> str:
        return f"{self.process} {self.at:%H:%M:%S}: {self.busy}/{self.workers}, {self.queued}"
