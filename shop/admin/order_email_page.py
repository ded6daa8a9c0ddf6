"""One email of an order as its reader sees it, in a frame where nothing of it can run."""

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from notifications.emails import Unwritable
from notifications.mime import WrittenEmail
from notifications.models import EmailDelivery
from notifications.rereading import NotReadable, read_again
from orders.models import Order

if TYPE_CHECKING:
    from shop.admin.orders import OrderAdmin

_NEEDED = ("orders.view_order", "notifications.view_emaildelivery")


def order_email(
    admin: "OrderAdmin", request: HttpRequest, object_id: int, delivery_id: int
) -> HttpResponse:
    """Show the email, and what became of it."""
    if not request.user.has_perms(_NEEDED):
        raise PermissionDenied
    order = get_object_or_404(Order, pk=object_id)
    delivery = get_object_or_404(EmailDelivery, pk=delivery_id, subject=order.number)
    context = {
        **admin.admin_site.each_context(request),
        "title": _("Email"),
        "opts": Order._meta,
        "order": order,
        "delivery": delivery,
        **_told(delivery),
    }
    return TemplateResponse(request, "admin/orders/order/email.html", context)


def _told(delivery: EmailDelivery) -> dict[str, str]:
    try:
        email = read_again(delivery)
    except (NotReadable, Unwritable) as error:
        return {"refusal": str(error)}
    return {"subject": str(email.subject), "html": _html(email), "text": str(email.body)}


def _html(email: WrittenEmail) -> str:
    return str(email.alternatives[0][0])
