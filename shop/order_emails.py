"""What an order's customer was emailed, and when."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications.models import DeliveryStatus, EmailDelivery
from notifications.stages import Role
from orders.models import Order

_TITLES: dict[str, Promise] = {
    "order.placed": _("Your order is waiting"),
    "order.ready_to_pay": _("Your order can be paid"),
    "order.payment_reminder": _("A reminder to pay"),
    "order.confirmed": _("Receipt"),
    "order.payment_failed": _("The payment did not go through"),
    "order.payment_review": _("PayPal is looking at the payment"),
    "order.sold_out": _("Sold out, not charged"),
    "order.expired": _("The order has ended"),
    "order.shipped": _("On its way"),
    "order.delivered": _("Delivered"),
    "order.cancelled": _("Cancelled"),
    "payment.refunded": _("Refund"),
}


@dataclass(frozen=True)
class SentEmail:
    """One email that the mail server took."""

    title: str | Promise
    at: datetime | None


def emails_of(order: Order) -> list[SentEmail]:
    """Return the emails its customer was sent, oldest first: one query."""
    sent = EmailDelivery.objects.filter(
        subject=order.number, role=Role.CUSTOMER, status=DeliveryStatus.SENT
    )
    rows = sent.order_by("pk").values_list("event_type", "settled_at")
    return [SentEmail(_TITLES.get(kind, kind), at) for kind, at in rows]
