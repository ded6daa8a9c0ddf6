"""An order: what was bought, by whom, for how much, and where it stands."""

import secrets
import uuid
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Self

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.urls import reverse
from django.utils import timezone

from lifecycles import append_only, check_transition, guard_states
from lifecycles.statements import Write, insert, update, write
from orders.flags import Flag
from orders.lifecycle import ORDER_TRANSITIONS, FailureReason, OrderStatus

# Without 0/O and 1/I: a number that can be read out over the telephone.
_NUMBER_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def new_number() -> str:
    """Return an order number that tells nobody how many orders there are."""
    return "G" + "".join(secrets.choice(_NUMBER_ALPHABET) for _ in range(9))


def new_token() -> str:
    """Return the unguessable part of an order's link (192 bits)."""
    return secrets.token_urlsafe(24)


class OrderQuerySet(models.QuerySet["Order"]):
    """Orders, and the lock that comes before every other."""

    def locked(self) -> Self:
        """Lock the rows: the first lock of any transaction (Order → Payment → Stock)."""
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)


class Order(models.Model):
    """One purchase. Money is in `currency`; every price includes tax."""

    number = models.CharField(max_length=16, unique=True, default=new_number, editable=False)
    token = models.CharField(max_length=43, default=new_token, editable=False)
    transaction_id = models.UUIDField(
        unique=True, default=uuid.uuid4, editable=False, help_text="Shared with its payment."
    )
    status = models.CharField(
        max_length=9, choices=OrderStatus.choices, default=OrderStatus.PENDING, editable=False
    )
    reason = models.CharField(max_length=20, choices=FailureReason.choices, blank=True)
    checkout_key = models.UUIDField(unique=True, null=True, editable=False)
    fingerprint = models.CharField(
        max_length=64, editable=False, help_text="Of cart, delivery and total as they were shown."
    )
    cart_id = models.UUIDField(db_index=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="orders"
    )
    joined_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When this guest's order was given to the account of its confirmed address.",
    )
    network_address = models.GenericIPAddressField(null=True, editable=False)

    email = models.EmailField()
    full_name = models.CharField(max_length=100)
    phone = models.CharField(max_length=30, blank=True)
    line1 = models.CharField("address", max_length=200)
    line2 = models.CharField("address, second line", max_length=200, blank=True)
    city = models.CharField(max_length=100)
    postal_code = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=2)
    locale = models.CharField(max_length=5, default="en")

    currency = models.CharField(max_length=3)
    items_total = models.DecimalField(max_digits=12, decimal_places=2)
    delivery_name = models.CharField(max_length=100)
    delivery_price = models.DecimalField(max_digits=12, decimal_places=2)
    total = models.DecimalField(max_digits=12, decimal_places=2)

    placed_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(help_text="From then on it can no longer be paid.")
    cancel_wished_at = models.DateTimeField(
        null=True, blank=True, help_text="When the customer asked to cancel it, paid already."
    )
    cancel_reason = models.CharField(
        max_length=200,
        blank=True,
        editable=False,
        help_text="Why staff cancelled it, or will have it cancelled once PayPal's review ends.",
    )
    cancelled_by = models.CharField(max_length=150, blank=True, editable=False)
    carrier = models.CharField(max_length=60, blank=True)
    tracking_number = models.CharField(max_length=100, blank=True)
    flag = models.CharField(
        max_length=30,
        choices=Flag.choices,
        blank=True,
        help_text="Why a person should look at it; empty if none.",
    )

    objects = OrderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=OrderStatus.values), name="order_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(status=OrderStatus.FAILED, reason__in=FailureReason.values)
                | (~Q(status=OrderStatus.FAILED) & Q(reason="")),
                name="failed_orders_have_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(total=F("items_total") + F("delivery_price")),
                name="total_is_the_sum",
            ),
        ]
        indexes = [
            models.Index(fields=["-placed_at"], name="orders_by_time"),
            models.Index(Upper("email"), F("placed_at").desc(), name="orders_by_any_spelling"),
            models.Index(
                fields=["expires_at"], condition=Q(status="PENDING"), name="orders_that_will_end"
            ),
            models.Index(fields=["status", "-placed_at"], name="orders_by_status"),
            models.Index(
                fields=["reason", "-placed_at"], condition=~Q(reason=""), name="orders_by_reason"
            ),
            models.Index(fields=["-placed_at"], condition=~Q(flag=""), name="orders_flagged"),
            models.Index(
                fields=["-placed_at"],
                condition=Q(cancel_wished_at__isnull=False),
                name="orders_wished_away",
            ),
            # Any part of an address, a name or a parcel's number: what staff search for.
            GinIndex(
                OpClass(Upper("email"), name="gin_trgm_ops"),
                OpClass(Upper("full_name"), name="gin_trgm_ops"),
                OpClass(Upper("tracking_number"), name="gin_trgm_ops"),
                name="orders_by_part_of_a_word",
            ),
            models.Index(
                fields=["network_address"],
                condition=Q(status="PENDING", network_address__isnull=False),
                name="open_orders_by_network",
            ),
        ]
        permissions = [
            ("ship_order", "Can ship, deliver and undo shipping"),
            ("cancel_order", "Can cancel orders"),
            ("refund_order", "Can refund money"),
            ("return_order", "Can record returned goods"),
            ("correct_order", "Can correct contact and tracking"),
            ("resend_order", "Can send emails of an order again"),
            ("note_order", "Can add notes"),
            ("check_order", "Can ask PayPal about an order"),
            ("clear_flag_order", "Can clear flags"),
            ("export_order", "Can export orders"),
        ]
        triggers: ClassVar = guard_states(ORDER_TRANSITIONS, initial=OrderStatus.PENDING)

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        """Return the guest link: whoever has it may see the order."""
        return reverse("order", args=[self.number, self.token])

    @property
    def is_final(self) -> bool:
        return not ORDER_TRANSITIONS[self.status]

    def move_to(
        self, status: OrderStatus, *, by: str, at: datetime, reason: FailureReason | None = None
    ) -> bool:
        """Move to `status` with its transition row; return False when already there.

        The caller holds the row's lock and the transaction. Raises IllegalTransition.
        """
        if self.status == status:
            return False
        write(*self.steps_to(status, by=by, at=at, reason=reason))
        return True

    def steps_to(
        self, status: OrderStatus, *, by: str, at: datetime, reason: FailureReason | None = None
    ) -> list[Write]:
        """Take the step here, and return what is to be written of it: row and history."""
        check_transition(ORDER_TRANSITIONS, thing=str(self), old=self.status, new=status)
        old, self.status, self.reason = self.status, status, reason or ""
        step = OrderTransition(order=self, old=old, new=status, reason=self.reason, by=by, at=at)
        return [update(self, "status", "reason"), insert(step)]

    def raise_flag(self, flag: Flag) -> None:
        """Flag the order, unless it bears a heavier one. The caller holds the row's lock."""
        if flag.outweighs(self.flag):
            self.flag = flag
            self.save(update_fields=["flag"])

    def give_up_key(self, *, by: str, at: datetime) -> None:
        """Leave the checkout key to a successor; the row of history remembers it.

        The caller holds the row's lock and the transaction.
        """
        key, self.checkout_key = self.checkout_key, None
        self.save(update_fields=["checkout_key"])
        self.transitions.create(old=self.status, new=self.status, checkout_key=key, by=by, at=at)


class OrderLine(models.Model):
    """One SKU of an order, with name and price as they were when it was placed."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    sku = models.CharField("SKU", max_length=32)
    name = models.CharField(max_length=200)
    variant_name = models.CharField(max_length=100, blank=True)
    slug = models.CharField(max_length=100)
    picture = models.CharField(max_length=200, blank=True)
    quantity = models.PositiveIntegerField()
    unit_price = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(fields=["order", "sku"], name="one_line_for_each_sku"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="line_has_a_quantity"),
            models.CheckConstraint(condition=Q(unit_price__gte=0), name="line_has_a_price"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.name}"

    @property
    def total(self) -> Decimal:
        return self.unit_price * self.quantity


class OrderTransition(models.Model):
    """One step of an order's life, never altered. The first leads from nothing to PENDING."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="transitions")
    old = models.CharField(max_length=9, choices=OrderStatus.choices, blank=True)
    new = models.CharField(max_length=9, choices=OrderStatus.choices)
    reason = models.CharField(max_length=20, blank=True)
    checkout_key = models.UUIDField(
        null=True, help_text="The key that this order gave up to its successor, if it did."
    )
    by = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        ordering = ("pk",)
        triggers: ClassVar = append_only()

    def __str__(self) -> str:
        return f"{self.old or 'new'} → {self.new}"


class OrderNote(models.Model):
    """What staff decided about an order, in words, never altered."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="notes")
    text = models.TextField()
    by = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        ordering = ("pk",)
        triggers: ClassVar = append_only()

    def __str__(self) -> str:
        return self.text


class OrderReturn(models.Model):
    """Goods of a shipped order that came back on one occasion, never altered."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="returns")
    request_id = models.UUIDField(unique=True, help_text="Of the form: sent twice, it is one.")
    by = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        ordering = ("pk",)
        triggers: ClassVar = append_only()

    def __str__(self) -> str:
        return f"Return of {self.order_id} by {self.by}"


class ReturnedLine(models.Model):
    """What came back of one line: back on the shelf, or thrown away."""

    occasion = models.ForeignKey(OrderReturn, models.CASCADE, related_name="lines")
    line = models.ForeignKey(OrderLine, models.PROTECT, related_name="returned")
    restocked = models.PositiveIntegerField()
    written_off = models.PositiveIntegerField()

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.CheckConstraint(
                condition=~Q(restocked=0, written_off=0), name="return_returns_something"
            ),
        ]
        triggers: ClassVar = append_only()

    def __str__(self) -> str:
        return f"{self.line.sku}: {self.restocked} restocked, {self.written_off} written off"


class SentForm(models.Model):
    """A form that staff sent about an order: its id is taken once, so a double click is one act."""

    form_id = models.UUIDField(unique=True)
    order = models.ForeignKey(Order, models.CASCADE, related_name="sent_forms")
    action = models.CharField(max_length=20)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.action} by {self.by}"
