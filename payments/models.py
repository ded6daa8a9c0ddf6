"""A payment, the attempts at it, and the money that came of them."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Self

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q, Sum

from lifecycles import append_only, check_transition, guard_states, kept_for
from lifecycles.statements import Write, insert, update, write
from orders.models import Order
from payments.lifecycle import (
    PAYMENT_TRANSITIONS,
    AttemptStatus,
    CaptureStatus,
    PaymentStatus,
    RefundStatus,
)


class PaymentQuerySet(models.QuerySet["Payment"]):
    """Payments, and the lock that comes after the order's and before the stock's."""

    def locked(self) -> Self:
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)


class Payment(models.Model):
    """The one payment of an order, under the same transaction id (PayPal's `custom_id`)."""

    order = models.OneToOneField(Order, models.PROTECT, related_name="payment")
    transaction_id = models.UUIDField(unique=True, editable=False)
    status = models.CharField(
        max_length=18, choices=PaymentStatus.choices, default=PaymentStatus.PENDING, editable=False
    )
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=PaymentStatus.values), name="payment_status_is_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["order"],
                condition=Q(status=PaymentStatus.CAPTURING),
                name="payments_being_captured",
            ),
            models.Index(
                fields=["status", "-id"],
                condition=~Q(status=PaymentStatus.SUCCESS),  # nearly all are: those need none
                name="payments_by_status",
            ),
        ]
        triggers: ClassVar = guard_states(PAYMENT_TRANSITIONS, initial=PaymentStatus.PENDING)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} ({self.status})"

    def move_to(self, status: PaymentStatus, *, by: str, at: datetime, reason: str = "") -> bool:
        """Move to `status` with its transition row; return False when already there.

        The caller holds the locks (Order, then this row) and the transaction. Raises
        IllegalTransition.
        """
        if self.status == status:
            return False
        write(*self.steps_to(status, by=by, at=at, reason=reason))
        return True

    def steps_to(
        self, status: PaymentStatus, *, by: str, at: datetime, reason: str = ""
    ) -> list[Write]:
        """Take the step here, and return what is to be written of it: row and history."""
        check_transition(
            PAYMENT_TRANSITIONS, thing=f"Payment {self.pk}", old=self.status, new=status
        )
        old, self.status = self.status, status
        step = PaymentTransition(payment=self, old=old, new=status, reason=reason, by=by, at=at)
        return [update(self, "status"), insert(step)]


class PaymentTransition(models.Model):
    """One step of a payment's life, never altered. The first leads from nothing to PENDING."""

    payment = models.ForeignKey(Payment, models.CASCADE, related_name="transitions")
    old = models.CharField(max_length=18, choices=PaymentStatus.choices, blank=True)
    new = models.CharField(max_length=18, choices=PaymentStatus.choices)
    reason = models.CharField(max_length=60, blank=True)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        ordering = ("pk",)
        triggers: ClassVar = append_only()

    def __str__(self) -> str:
        return f"{self.old or 'new'} → {self.new}"


class PaymentAttempt(models.Model):
    """One PayPal order. Its request ids are stored before the calls that carry them."""

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField(help_text="1 for the first; part of invoice_id.")
    status = models.CharField(
        max_length=6, choices=AttemptStatus.choices, default=AttemptStatus.OPEN
    )
    issue = models.CharField(
        max_length=60, blank=True, help_text="PayPal's word for why it was refused or closed."
    )
    create_request_id = models.UUIDField(unique=True)
    paypal_order_id = models.CharField("PayPal order", max_length=40, unique=True, null=True)
    approve_url = models.URLField(max_length=500, blank=True)
    capture_request_id = models.UUIDField(unique=True, null=True)
    capture_claimed_until = models.DateTimeField(
        null=True, help_text="Until then the process that claimed the capture is waited for."
    )
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    ask_at = models.DateTimeField(null=True, help_text="When the clock next asks PayPal about it.")
    asked = models.PositiveSmallIntegerField(default=0, help_text="How often the clock has asked.")
    came_back_at = models.DateTimeField(
        null=True, help_text="When its customer came back from PayPal, and PayPal did not answer."
    )

    class Meta:
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint(fields=["payment", "number"], name="attempts_are_numbered"),
            models.UniqueConstraint(
                fields=["payment"],
                condition=Q(status=AttemptStatus.OPEN),
                name="one_open_attempt_for_each_payment",
            ),
            models.CheckConstraint(
                condition=Q(status__in=AttemptStatus.values), name="attempt_status_is_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["ask_at"], condition=Q(ask_at__isnull=False), name="attempts_to_ask_about"
            ),
        ]

    def __str__(self) -> str:
        return f"Attempt {self.number}: {self.paypal_order_id or 'not created yet'}"

    @property
    def invoice_id(self) -> str:
        """The order's number; a further attempt has a suffix, for PayPal wants it unique."""
        number = self.payment.order.number
        return number if self.number == 1 else f"{number}-{self.number}"

    def close(self, *, issue: str, at: datetime) -> None:
        """Close for good: it is never captured from now on. The payment's lock is held."""
        write(self.steps_to_close(issue=issue, at=at))

    def steps_to_close(self, *, issue: str, at: datetime) -> Write:
        """Close it here, and return what is to be written of it."""
        self.status, self.issue, self.closed_at = AttemptStatus.CLOSED, issue, at
        return update(self, "status", "issue", "closed_at")


class Capture(models.Model):
    """Money PayPal took, by PayPal's own id. One settles the payment; any other is stray."""

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="captures")
    attempt = models.ForeignKey(PaymentAttempt, models.PROTECT, related_name="captures")
    paypal_id = models.CharField("PayPal capture", max_length=40, unique=True)
    status = models.CharField(max_length=20, choices=CaptureStatus.choices)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3)
    is_settling = models.BooleanField(default=False)
    recorded_at = models.DateTimeField()
    ask_at = models.DateTimeField(null=True, help_text="When the clock next asks PayPal about it.")

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["payment"],
                condition=Q(is_settling=True),
                name="one_capture_settles_a_payment",
            ),
        ]
        indexes = [
            models.Index(
                fields=["ask_at"], condition=Q(ask_at__isnull=False), name="captures_to_ask_about"
            ),
            BrinIndex(fields=["recorded_at"], name="captures_by_day", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.paypal_id}: {self.amount} {self.currency} {self.status}"

    def to_write(self) -> Write:
        """Return what stores a new row, or the status of a known one."""
        return insert(self) if self.pk is None else update(self, "status")


class RefundQuerySet(models.QuerySet["Refund"]):
    """Refunds by what has become of the money."""

    def completed(self) -> Self:
        return self.filter(status=RefundStatus.COMPLETED)

    def going_back(self) -> Self:
        """Those whose money is gone or may go: all but the failed ones."""
        return self.exclude(status__in=RefundStatus.without_money())

    def total(self) -> Decimal:
        return self.aggregate(total=Sum("amount"))["total"] or Decimal(0)


class Refund(models.Model):
    """Money going back from one capture. An open one reserves its amount."""

    capture = models.ForeignKey(Capture, models.PROTECT, related_name="refunds")
    request_id = models.UUIDField(
        unique=True, null=True, help_text="Ours; none for a refund made at PayPal."
    )
    paypal_id = models.CharField("PayPal refund", max_length=40, unique=True, null=True)
    status = models.CharField(
        max_length=20, choices=RefundStatus.choices, default=RefundStatus.REQUESTED
    )
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=60, blank=True)
    issue = models.CharField(max_length=60, blank=True, help_text="PayPal's word for its refusal.")
    by = models.CharField(max_length=150, help_text="Who asked for it.")
    covered_by = models.UUIDField(
        null=True, help_text="The event that has told the customer of it already."
    )
    requested_at = models.DateTimeField()
    ask_at = models.DateTimeField(null=True, help_text="When the clock sends or follows it next.")
    asked = models.PositiveSmallIntegerField(default=0, help_text="How often the clock has.")

    objects = RefundQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_gives_something"),
        ]
        indexes = [
            models.Index(
                fields=["ask_at"], condition=Q(ask_at__isnull=False), name="refunds_to_follow"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} {self.status}"


class WebhookReceipt(models.Model):
    """One event PayPal told us of, stored before it was answered; the work is done from here."""

    event_id = models.CharField(max_length=64, unique=True)
    event_type = models.CharField(max_length=80)
    paypal_order_id = models.CharField(
        "PayPal order", max_length=40, blank=True, db_index=True, help_text="Empty until known."
    )
    body = models.TextField(
        blank=True, help_text="As it came, byte for byte (UTF-8); emptied after 90 days."
    )
    headers = models.JSONField(default=dict, blank=True)
    received_at = models.DateTimeField(db_index=True)
    processed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=200, blank=True)
    try_at = models.DateTimeField(null=True, help_text="When it is worked on; null once done.")

    class Meta:
        indexes = [
            models.Index(
                fields=["try_at"], condition=Q(try_at__isnull=False), name="receipts_to_work_on"
            ),
            models.Index(
                fields=["received_at"], condition=~Q(body=""), name="receipts_with_a_body"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.event_id}"


class GatewayCall(models.Model):
    """One call to PayPal and what became of it, never altered; forgotten after 90 days."""

    operation = models.CharField(max_length=40, help_text="As PayPal's SDK names it.")
    about = models.CharField(
        max_length=40,
        db_index=True,
        help_text="PayPal's id of what it was about; our transaction id before there was one.",
    )
    request_id = models.UUIDField(null=True)
    debug_id = models.CharField(
        max_length=40, blank=True, help_text="PayPal's own name for the call: quote it to them."
    )
    outcome = models.CharField(max_length=200)
    milliseconds = models.PositiveIntegerField()
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["at"], name="calls_to_forget")]
        triggers: ClassVar = kept_for(89, since="at")  # a day for clocks that disagree

    def __str__(self) -> str:
        return f"{self.operation} {self.about}: {self.outcome}"
