"""The life of a stock hold, as data."""

from collections.abc import Mapping

from django.db.models import TextChoices


class HoldStatus(TextChoices):
    """What has become of the stock set aside for one order line."""

    HELD = "HELD"  # set aside for an unpaid order
    SOLD = "SOLD"  # paid: taken out of the stock
    RELEASED = "RELEASED"  # given back without a sale
    RETURNED = "RETURNED"  # sold, then put back


HOLD_TRANSITIONS: Mapping[str, frozenset[str]] = {
    HoldStatus.HELD: frozenset({HoldStatus.SOLD, HoldStatus.RELEASED}),
    HoldStatus.RELEASED: frozenset({HoldStatus.HELD}),  # won back
    HoldStatus.SOLD: frozenset({HoldStatus.RETURNED}),
    HoldStatus.RETURNED: frozenset(),
}
