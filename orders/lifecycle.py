"""The life of an order, as data."""

from collections.abc import Mapping

from django.db.models import TextChoices


class OrderStatus(TextChoices):
    """Where an order stands."""

    PENDING = "PENDING"  # placed, its stock held, not paid
    SUCCESS = "SUCCESS"  # paid, its stock deducted
    FAILED = "FAILED"  # ended without money; `FailureReason` says why
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"  # paid, then cancelled by staff; refunded


class FailureReason(TextChoices):
    """Why an order FAILED."""

    DECLINED = "declined"
    CANCELLED = "cancelled"
    CANCELLED_BY_SHOP = "cancelled_by_shop"
    EXPIRED = "expired"
    SOLD_OUT = "sold_out"
    SUPERSEDED = "superseded"
    PAYMENT_MISMATCH = "payment_mismatch"


ORDER_TRANSITIONS: Mapping[str, frozenset[str]] = {
    OrderStatus.PENDING: frozenset({OrderStatus.SUCCESS, OrderStatus.FAILED}),
    OrderStatus.SUCCESS: frozenset({OrderStatus.SHIPPED, OrderStatus.CANCELLED}),
    OrderStatus.SHIPPED: frozenset({OrderStatus.DELIVERED, OrderStatus.SUCCESS}),  # undo
    OrderStatus.FAILED: frozenset(),
    OrderStatus.DELIVERED: frozenset(),
    OrderStatus.CANCELLED: frozenset(),
}
