"""Forms that staff send about an order: each once, and none over what its sender has not seen.

Each bears an id that can be taken once, which makes a double click one act, and the order's state
as its page showed it, which makes the second of two who act at once look again.
"""

from enum import Enum, auto
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from orders.models import Order, SentForm


class Taking(Enum):
    """What came of sending a form."""

    TAKEN = auto()
    SENT_BEFORE = auto()
    STALE = auto()  # the order is no longer as the form's page showed it


@transaction.atomic(durable=True)
def take_form(*, form_id: UUID, order_id: int, action: str, by: str, seen: str) -> Taking:
    """Take the form's id before what it asks for is done.

    `seen` is the order's state as its sender saw it, "" where that is not to be compared. Both are
    looked at under the order's lock: of two at once the second finds the first one's form.
    """
    order = Order.objects.locked().get(pk=order_id)
    if is_taken(str(form_id)):
        return Taking.SENT_BEFORE
    if seen not in {"", state_of(order)}:
        return Taking.STALE
    values = {"order": order, "action": action, "by": by, "at": timezone.now()}
    _form, is_new = SentForm.objects.get_or_create(form_id=form_id, defaults=values)
    return Taking.TAKEN if is_new else Taking.SENT_BEFORE


def is_taken(form_id: str) -> bool:
    """Say whether a form with this id was sent; what is no id was not."""
    try:
        return SentForm.objects.filter(form_id=UUID(form_id)).exists()
    except ValueError:
        return False


def give_form_back(form_id: UUID) -> None:
    """Let a form that was refused be sent again."""
    SentForm.objects.filter(form_id=form_id).delete()


def state_of(order: Order) -> str:
    """Return what changes with whatever staff should see before they act on the order."""
    last = order.sent_forms.order_by("-pk").values_list("pk", flat=True).first()
    wish = "wish" if order.cancel_wished_at else "-"
    return f"{order.status} {order.payment.status} {order.flag or '-'} {wish} {last or 0}"


def sent_since(order: Order, seen: str) -> SentForm | None:
    """Return the last form that was sent about the order after that state of it was seen."""
    known = seen.rpartition(" ")[2]
    after = int(known) if known.isdecimal() else 0
    return order.sent_forms.filter(pk__gt=after).order_by("-pk").first()
