"""The lives of a payment and of one attempt at it, as data."""

from collections.abc import Mapping

from django.db.models import TextChoices


class PaymentStatus(TextChoices):
    """Where an order's payment stands. Only while PENDING may anything else touch the order."""

    PENDING = "PENDING"  # no money moved
    CAPTURING = "CAPTURING"  # we asked PayPal for the money; the answer is not recorded yet
    REVIEW = "REVIEW"  # PayPal holds the money for review
    SUCCESS = "SUCCESS"  # the money is ours
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"
    FAILED = "FAILED"  # ended without money


PAYMENT_TRANSITIONS: Mapping[str, frozenset[str]] = {
    PaymentStatus.PENDING: frozenset({PaymentStatus.CAPTURING, PaymentStatus.FAILED}),
    PaymentStatus.CAPTURING: frozenset(
        {
            PaymentStatus.SUCCESS,
            PaymentStatus.REVIEW,
            PaymentStatus.FAILED,
            PaymentStatus.PENDING,  # refused; the customer may try again
        }
    ),
    PaymentStatus.REVIEW: frozenset({PaymentStatus.SUCCESS, PaymentStatus.FAILED}),
    PaymentStatus.SUCCESS: frozenset({PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED}),
    PaymentStatus.PARTIALLY_REFUNDED: frozenset({PaymentStatus.REFUNDED}),
    PaymentStatus.REFUNDED: frozenset(),
    PaymentStatus.FAILED: frozenset(),
}


class AttemptStatus(TextChoices):
    """Where one PayPal order of a payment stands, for us."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"  # never captured any more, whatever PayPal says of it


class CaptureStatus(TextChoices):
    """PayPal's own words for a capture (an open list: unknown ones are stored as they come)."""

    COMPLETED = "COMPLETED"
    DECLINED = "DECLINED"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    PENDING = "PENDING"
    REFUNDED = "REFUNDED"
    FAILED = "FAILED"

    @classmethod
    def without_money(cls) -> "frozenset[CaptureStatus]":
        """Return where a capture ends that took nothing."""
        return frozenset({cls.DECLINED, cls.FAILED})


class RefundStatus(TextChoices):
    """REQUESTED, then PayPal's own words (an open list, as for captures)."""

    REQUESTED = "REQUESTED"  # our wish; PayPal has not taken it yet, as far as we know
    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"  # refused, or not carried out
    CANCELLED = "CANCELLED"

    @classmethod
    def without_money(cls) -> "frozenset[RefundStatus]":
        """Return where a refund ends that gave nothing back."""
        return frozenset({cls.FAILED, cls.CANCELLED})
