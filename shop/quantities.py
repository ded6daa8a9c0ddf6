"""How many of a thing may be put in a cart, and what to say when it is too many."""

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from shop.cart import BadQuantity, parse_quantity
from shop.catalogue import Offer


class QuantityRefused(Exception):
    """This quantity cannot be had; `status` is the HTTP status that says so."""

    def __init__(self, message: str, *, status: int) -> None:
        self.message, self.status = message, status
        super().__init__(message)


def wanted_quantity(typed: str, offer: Offer, *, already: int = 0) -> int:
    """Read a quantity that can be had beside those already in the cart; or QuantityRefused."""
    try:
        quantity = parse_quantity(typed)
    except BadQuantity:
        raise QuantityRefused(_("Enter a whole number, such as 1."), status=422) from None
    if quantity == 0:
        raise QuantityRefused(_("Enter 1 or more."), status=422)
    most = settings.MAX_QUANTITY_PER_LINE
    if quantity + already > min(most, offer.available):
        if offer.available <= most:
            raise QuantityRefused(_left(offer.available, already), status=409)
        raise QuantityRefused(_limit(most, already), status=422)
    return quantity


def _left(available: int, already: int) -> str:
    if available == 0:
        return _("This is sold out.")
    left = ngettext("Only %(count)d is left.", "Only %(count)d are left.", available) % {
        "count": available
    }
    return f"{left} {_in_cart(already)}".strip()


def _limit(most: int, already: int) -> str:
    limit = _("You can order at most %(most)d of one thing.") % {"most": most}
    return f"{limit} {_in_cart(already)}".strip()


def _in_cart(already: int) -> str:
    if not already:
        return ""
    return _("%(count)d in your cart already.") % {"count": already}
