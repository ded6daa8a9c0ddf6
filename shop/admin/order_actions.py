"""What staff can do with one order: when it is offered, what it asks for, which call it makes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications.outbox import Recipient
from notifications.resending import resend_email
from orders.correcting import Shipment, add_note, correct_order
from orders.flags import REFUSING_TO_SHIP
from orders.fulfilment import (
    UNDO_WITHIN,
    clear_flag,
    mark_delivered,
    ship_order,
    shipped_at,
    undo_ship,
)
from orders.lifecycle import OrderStatus
from orders.models import Order
from payments.cancelling import cancel_by_shop
from payments.checking import check_with_paypal
from payments.lifecycle import PaymentStatus
from payments.refunds import refund_payment, refund_stray
from payments.returning_goods import record_return
from shop.admin.order_forms import (
    CancelForm,
    CorrectForm,
    NoteForm,
    OrderActionForm,
    RefundForm,
    ResendForm,
    ReturnForm,
    ShipForm,
    StrayForm,
    emails_to_customer,
    left_of,
    lines_with_customer,
    stray_money_of,
)

Text = str | Promise
_SUCCESS, _SHIPPED, _DELIVERED = OrderStatus.SUCCESS, OrderStatus.SHIPPED, OrderStatus.DELIVERED
_STANDS: dict[str, Text] = {
    OrderStatus.PENDING: _("The order is not paid yet."),
    OrderStatus.SUCCESS: _("The order is paid and not shipped."),
    OrderStatus.SHIPPED: _("The order is shipped already."),
    OrderStatus.DELIVERED: _("The order was delivered already."),
    OrderStatus.FAILED: _("The order failed: it was not paid."),
    OrderStatus.CANCELLED: _("The order was cancelled."),
}


@dataclass(frozen=True)
class OrderAction:
    """One thing that staff do. `perform` returns whether it changed anything."""

    name: str
    label: Text
    permission: str
    form: type[OrderActionForm]
    why_not: Callable[[Order], Text]  # empty when the order's state allows it
    perform: Callable[[Any, str], bool]  # the valid form, and who sent it
    told: Text = ""  # what the page says before it is done
    is_grave: bool = False

    def is_for(self, user: AbstractUser) -> bool:
        return user.has_perms(["orders.view_order", f"orders.{self.permission}"])


def actions_for(order: Order, user: AbstractUser) -> list[OrderAction]:
    """Return what this person may do with the order as it stands."""
    return [one for one in ORDER_ACTIONS if one.is_for(user) and not one.why_not(order)]


def _needs(*states: OrderStatus) -> Callable[[Order], Text]:
    return lambda order: "" if order.status in states else _STANDS[order.status]


def _why_not_ship(order: Order) -> Text:
    if order.status == _SUCCESS and order.flag in REFUSING_TO_SHIP:
        return _("Its money may have gone back. Decide what to do, then clear the flag.")
    return _needs(_SUCCESS)(order)


def _why_not_undo(order: Order) -> Text:
    if order.status == _SHIPPED and timezone.now() - shipped_at(order) > UNDO_WITHIN:
        return _("It was shipped more than an hour ago.")
    if order.status == _SHIPPED and order.returns.exists():
        return _("Some of it has come back: it was shipped.")
    return _needs(_SHIPPED)(order)


def _why_not_cancel(order: Order) -> Text:
    if order.payment.status == PaymentStatus.CAPTURING:
        return _("PayPal is confirming the payment. Try again in a moment.")
    if order.status == OrderStatus.PENDING and order.cancel_reason:
        return _("It will be cancelled when PayPal's review has ended.")
    return _needs(OrderStatus.PENDING, _SUCCESS)(order)


def _why_not_refund(order: Order) -> Text:
    if order.payment.status == PaymentStatus.REVIEW:
        return _("PayPal is reviewing this money: it can be refunded afterwards.")
    return "" if left_of(order) > 0 else _("Nothing is left to refund.")


def _why_not_refund_stray(order: Order) -> Text:
    return "" if stray_money_of(order) else _("No stray money is left to refund.")


def _why_not_resend(order: Order) -> Text:
    return "" if emails_to_customer(order).exists() else _("Nothing was mailed to the customer.")


def _why_not_check(order: Order) -> Text:
    asked = any(one.paypal_order_id for one in order.payment.attempts.all())
    return "" if asked else _("The customer has not been at PayPal yet.")


def _why_not_return(order: Order) -> Text:
    if order.status in {_SHIPPED, _DELIVERED} and not lines_with_customer(order):
        return _("All of it has come back.")
    return "" if order.status in {_SHIPPED, _DELIVERED} else _STANDS[order.status]


def _ship(form: ShipForm, by: str) -> bool:
    return ship_order(
        order_id=form.order.pk,
        carrier=form.cleaned_data["carrier"],
        tracking_number=form.cleaned_data["tracking_number"],
        by=by,
    )


def _cancel(form: CancelForm, by: str) -> bool:
    return cancel_by_shop(order_id=form.order.pk, reason=form.cleaned_data["reason"], by=by)


def _refund(form: RefundForm, by: str) -> bool:
    refund_payment(
        order_id=form.order.pk,
        amount=form.cleaned_data["amount"],
        reason=form.cleaned_data["reason"],
        by=by,
        request_id=form.id,
    )
    return True


def _refund_stray(form: StrayForm, by: str) -> bool:
    refund_stray(capture_id=int(form.cleaned_data["capture"]), by=by, request_id=form.id)
    return True


def _resend(form: ResendForm, _by: str) -> bool:
    order = form.order
    to = Recipient(email=order.email, name=order.full_name, locale=order.locale)
    resend_email(delivery_id=int(form.cleaned_data["delivery"]), to=to)
    return True


def _check(form: OrderActionForm, by: str) -> bool:
    check_with_paypal(order_id=form.order.pk, by=by)
    return True


def _note(form: NoteForm, by: str) -> bool:
    add_note(order_id=form.order.pk, text=form.cleaned_data["note"], by=by)
    return True


def _correct(form: CorrectForm, by: str) -> bool:
    typed = form.cleaned_data
    shipment = None
    if "carrier" in typed:
        shipment = Shipment(carrier=typed["carrier"], tracking_number=typed["tracking_number"])
    return correct_order(order_id=form.order.pk, contact=form.contact(), shipment=shipment, by=by)


def _return(form: ReturnForm, by: str) -> bool:
    return record_return(
        order_id=form.order.pk,
        pieces=form.pieces(),
        refund=form.cleaned_data.get("refund"),
        by=by,
        request_id=form.id,
    )


def _clear_flag(form: NoteForm, by: str) -> bool:
    return clear_flag(order_id=form.order.pk, note=form.cleaned_data["note"], by=by)


ORDER_ACTIONS = (
    OrderAction(
        "ship",
        _("Ship"),
        "ship_order",
        ShipForm,
        _why_not_ship,
        _ship,
        _("The customer is told by email, with the tracking number."),
    ),
    OrderAction(
        "deliver",
        _("Mark as delivered"),
        "ship_order",
        OrderActionForm,
        _needs(_SHIPPED),
        lambda form, by: mark_delivered(order_id=form.order.pk, by=by),
        _("The order has arrived, as far as you know. That ends it."),
    ),
    OrderAction(
        "cancel",
        _("Cancel"),
        "cancel_order",
        CancelForm,
        _why_not_cancel,
        _cancel,
        _("What is paid goes back in full, the items return to the shelf, the customer is told."),
        is_grave=True,
    ),
    OrderAction(
        "refund",
        _("Refund"),
        "refund_order",
        RefundForm,
        _why_not_refund,
        _refund,
        _("The money goes back at once and cannot be fetched again. The customer is told."),
        is_grave=True,
    ),
    OrderAction(
        "refund-stray",
        _("Refund stray money"),
        "refund_order",
        StrayForm,
        _why_not_refund_stray,
        _refund_stray,
        _("Money that pays for nothing goes back by itself; this sends it when that has failed."),
        is_grave=True,
    ),
    OrderAction(
        "resend",
        _("Resend email"),
        "resend_order",
        ResendForm,
        _why_not_resend,
        _resend,
        _("It goes to the address that the order has now."),
    ),
    OrderAction(
        "check",
        _("Check with PayPal"),
        "check_order",
        OrderActionForm,
        _why_not_check,
        _check,
        _("PayPal is asked at once how payment and refunds stand, and the order follows."),
    ),
    OrderAction(
        "note",
        _("Add note"),
        "note_order",
        NoteForm,
        lambda _order: "",
        _note,
        _("Only staff read it. It cannot be changed later."),
    ),
    OrderAction(
        "undo-ship",
        _("Undo ship"),
        "ship_order",
        OrderActionForm,
        _why_not_undo,
        lambda form, by: undo_ship(order_id=form.order.pk, by=by),
        _("The order waits for its parcel again. The customer is not told: write to them."),
        is_grave=True,
    ),
    OrderAction(
        "correct",
        _("Correct contact"),
        "correct_order",
        CorrectForm,
        lambda _order: "",
        _correct,
        _("A note keeps who corrected what. A new tracking number is mailed to the customer."),
    ),
    OrderAction(
        "return",
        _("Record return"),
        "return_order",
        ReturnForm,
        _why_not_return,
        _return,
        _("Pieces go back on the shelf or are written off; money goes back if you say how much."),
    ),
    OrderAction(
        "clear-flag",
        _("Clear flag"),
        "clear_flag_order",
        NoteForm,
        lambda order: "" if order.flag else _("The order is not flagged."),
        _clear_flag,
        _("Say why; the note stays with the order."),
    ),
)
LABELS = {one.name: one.label for one in ORDER_ACTIONS}
