"""Stock by SKU, what is set aside of it, and every movement that made it what it is."""

from typing import ClassVar, Self

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q

from inventory.lifecycle import HOLD_TRANSITIONS, HoldStatus
from lifecycles import append_only, guard_states


class StockQuerySet(models.QuerySet["Stock"]):
    """Stock rows and the order in which they may be locked."""

    def locked(self) -> Self:
        """Lock in SKU order: the last locks of any transaction (Order → Payment → Stock)."""
        return self.order_by("sku").select_for_update(of=("self",), no_key=True)


class Stock(models.Model):
    """How much of one SKU is on the shelf, and how much of that is set aside."""

    sku = models.CharField("SKU", max_length=32, primary_key=True)
    on_hand = models.PositiveIntegerField(default=0, editable=False)
    held = models.PositiveIntegerField(default=0, editable=False)
    low_stock_threshold = models.PositiveIntegerField(
        default=5, help_text="Staff are told when what is available falls to this number."
    )

    objects = StockQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "stock"
        constraints = [
            models.CheckConstraint(condition=Q(held__gte=0), name="held_is_not_negative"),
            models.CheckConstraint(condition=Q(held__lte=F("on_hand")), name="held_is_on_hand"),
        ]

    def __str__(self) -> str:
        return self.sku

    @property
    def available(self) -> int:
        """What can still be sold: on hand and not set aside."""
        return self.on_hand - self.held


class StockHold(models.Model):
    """Stock set aside for one order line; its owner is known by `reference`, an order's
    transaction id."""

    reference = models.UUIDField()
    stock = models.ForeignKey(Stock, models.PROTECT, related_name="holds", db_column="sku")
    quantity = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    status = models.CharField(
        max_length=8, choices=HoldStatus.choices, default=HoldStatus.HELD, editable=False
    )
    held_until = models.DateTimeField(help_text="From then on the clock may release it.")
    returned = models.PositiveIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text="How many of the pieces sold the customer sent back.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["reference", "stock"], name="one_hold_for_each_line"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="hold_holds_something"),
            models.CheckConstraint(
                condition=Q(status__in=HoldStatus.values), name="hold_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(returned__lte=F("quantity")), name="no_more_returned_than_sold"
            ),
        ]
        indexes = [
            models.Index(
                fields=["held_until"], condition=Q(status="HELD"), name="holds_that_will_end"
            ),
        ]
        triggers: ClassVar = guard_states(HOLD_TRANSITIONS, initial=HoldStatus.HELD)

    def __str__(self) -> str:
        return f"{self.quantity} × {self.stock_id} ({self.status})"


class MovementKind(models.TextChoices):
    """Why stock moved."""

    STOCKTAKE = "stocktake", "Stocktake"
    RESTOCK = "restock", "Came in"
    HOLD = "hold", "Set aside for an order"
    WIN_BACK = "win_back", "Set aside again"
    RELEASE = "release", "Given back unsold"
    SALE = "sale", "Sold"
    RETURN = "return", "Put back"
    WRITE_OFF = "write_off", "Written off"


class StockMovement(models.Model):
    """One change of one SKU, never altered: on_hand and held are the sums of these."""

    stock = models.ForeignKey(Stock, models.PROTECT, related_name="movements", db_column="sku")
    kind = models.CharField(max_length=10, choices=MovementKind.choices)
    on_hand_change = models.IntegerField(default=0)
    held_change = models.IntegerField(default=0)
    reference = models.UUIDField(
        null=True, db_index=True, help_text="The order's transaction id, if an order moved it."
    )
    by = models.CharField(max_length=150, help_text="Who or what moved it.")
    moved_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["stock", "-id"], name="movements_of_a_sku")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(on_hand_change=0, held_change=0), name="movement_moves_something"
            ),
        ]
        triggers: ClassVar = append_only()

    def __str__(self) -> str:
        return f"{self.kind} {self.stock_id}: {self.on_hand_change:+} / {self.held_change:+}"
