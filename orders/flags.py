"""Why a person should look at an order. It bears one flag: a heavier one replaces a lighter."""

from django.db.models import TextChoices


class Flag(TextChoices):
    """The reasons, the heaviest first."""

    DISPUTED = "disputed"  # the buyer complains at PayPal
    REVERSED = "reversed_at_paypal"  # PayPal took the money back
    REFUNDED = "refunded_at_paypal"  # refunded, but not by this shop
    REFUND_FAILED = "refund_failed"  # PayPal did not carry out a refund of ours
    CAPTURE_UNKNOWN = "capture_unknown"  # for an hour PayPal has not said if it took the money
    STRAY_MONEY = "stray_money"  # money came where none was due
    AMOUNT_DIFFERS = "amount_differs"  # PayPal's order is not about our sum

    def outweighs(self, other: str) -> bool:
        """Say whether this one replaces the other; any outweighs none."""
        flags = list(Flag)
        return other not in flags or flags.index(self) < flags.index(Flag(other))


# While one of these stands, the order is not shipped: it may have been paid back.
REFUSING_TO_SHIP = frozenset({Flag.DISPUTED, Flag.REVERSED, Flag.REFUNDED})
