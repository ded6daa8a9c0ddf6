"""What makes a double click one act: each form of staff bears an id that can be taken once."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from orders.models import Order, SentForm


@transaction.atomic(durable=True)
def take_form(*, form_id: UUID, order_id: int, action: str, by: str) -> bool:
    """Take the form's id before what it asks for is done; return False where it was taken."""
    values = {"order_id": order_id, "action": action, "by": by, "at": timezone.now()}
    return SentForm.objects.get_or_create(form_id=form_id, defaults=values)[1]


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
    return f"{order.status} {order.payment.status} {order.flag or '-'} {last or 0}"
