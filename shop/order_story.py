"""Where an order stands, told to its customer: a headline, a sentence, the steps, what to do."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.lifecycle import FailureReason, OrderStatus
from orders.models import Order
from payments.lifecycle import AttemptStatus, CaptureStatus, PaymentStatus
from payments.models import Payment

Text = str | Promise

# PayPal's page for the attempt has closed; nobody's card was refused.
_CLOSED_AT_PAYPAL = frozenset({"ORDER_EXPIRED", "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"})
_CANCEL = _("Cancel this order")
_WISH_TO_CANCEL = _("Ask us to cancel this order")
_WISHED = frozenset({FailureReason.CANCELLED.value, FailureReason.SUPERSEDED.value})
_NO_MONEY = frozenset({CaptureStatus.DECLINED.value, CaptureStatus.FAILED.value})
_WAITING = (
    _("Your order is waiting for its payment."),
    _("You approve at PayPal. We take the money only once your items are secured."),
)
_DECLINED = _("You were not charged. PayPal declined the payment.")
_CLOSED = _("You were not charged. PayPal's page had closed.")
_STILL_HELD = _("Your items are still set aside for you.")
_NO_LONGER_HELD = _("Your items are no longer set aside, but you can still pay while they last.")
_CONFIRMING = {
    PaymentStatus.CAPTURING: (
        _("Your payment is being confirmed."),
        _("A few seconds, usually. You may close this page: we write to you as well."),
        1,
    ),
    PaymentStatus.REVIEW: (
        _("PayPal is looking at your payment."),
        _("There is nothing for you to do. Your items stay set aside until PayPal is done."),
        15,
    ),
}
_UNANSWERED = (
    _("Your payment is being confirmed."),
    _("PayPal is slow at the moment. You may close this page: we write to you as well."),
)
# So long a return that PayPal would not confirm is believed; then paying is offered again.
_BELIEVED_FOR = timedelta(minutes=10)
_PAID = {
    OrderStatus.SUCCESS: (
        _("Thank you. Your order is paid."),
        _("We are packing it now and write to you when it is on its way."),
    ),
    OrderStatus.SHIPPED: (
        _("Your order is on its way."),
        _("The parcel has left us. Its journey depends on the delivery you chose."),
    ),
    OrderStatus.DELIVERED: (
        _("Your order has arrived."),
        _("We hope it pleases you. Write to us if anything is not as it should be."),
    ),
    OrderStatus.CANCELLED: (
        _("This order was cancelled. Your money goes back to you."),
        _("PayPal returns it to the account or card you paid with, most often within days."),
    ),
}
_FAILED = {
    FailureReason.DECLINED: (
        _("You were not charged. The payment was declined."),
        _("This order has ended. You are welcome to order again and pay another way."),
    ),
    FailureReason.CANCELLED: (
        _("You were not charged. You cancelled this order."),
        _("Nothing more will happen. Your items are back on the shelf."),
    ),
    FailureReason.CANCELLED_BY_SHOP: (
        _("You were not charged. We had to cancel this order."),
        _("We are sorry. Please write to us if you would like to know why."),
    ),
    FailureReason.EXPIRED: (
        _("You were not charged. The time to pay ran out."),
        _("This order has ended and your items are back on the shelf. Order again any time."),
    ),
    FailureReason.SOLD_OUT: (
        _("You were not charged. Something you ordered sold out."),
        _("It was gone before your payment reached us, so we took no money. We are sorry."),
    ),
    FailureReason.SUPERSEDED: (
        _("You were not charged. A newer order took this one's place."),
        _("You changed your cart or details and ordered again; that newer order is the one."),
    ),
    FailureReason.PAYMENT_MISMATCH: (
        _("Your money goes back to you in full."),
        _("PayPal took an amount other than this order's, so the order has ended."),
    ),
}


@dataclass(frozen=True)
class Step:
    """One station of the order's way: done, now, to come, or where it stopped."""

    label: Text
    state: str  # "done" | "now" | "todo" | "stopped"
    at: datetime | None = None


@dataclass(frozen=True)
class Story:
    """What the order page says first. `poll_seconds` is how soon to look again, if at all."""

    headline: Text
    sentence: Text
    tone: str  # "wait" | "good" | "bad"
    steps: list[Step] = field(default_factory=list)
    pay_label: Text = ""
    cancel_label: Text = ""
    poll_seconds: int | None = None


def tell(order: Order, payment: Payment, *, is_held: bool) -> Story:
    """Tell the order's story from its rows; `payment` has attempts and captures prefetched."""
    steps = _steps(order)
    if order.status == OrderStatus.PENDING:
        return _tell_pending(payment, steps, is_held=is_held)
    if order.status == OrderStatus.FAILED:
        return _tell_failed(order, payment, steps)
    headline, sentence = _PAID[OrderStatus(order.status)]
    if order.status == OrderStatus.CANCELLED:
        return Story(headline, sentence, "bad", steps)
    may_wish = order.status == OrderStatus.SUCCESS and order.cancel_wished_at is None
    return Story(
        headline,
        sentence,
        "good",
        steps,
        cancel_label=_WISH_TO_CANCEL if may_wish else "",
        poll_seconds=None if order.status == OrderStatus.DELIVERED else 30,
    )


def _tell_pending(payment: Payment, steps: list[Step], *, is_held: bool) -> Story:
    if payment.status in _CONFIRMING:
        headline, sentence, poll_seconds = _CONFIRMING[PaymentStatus(payment.status)]
        return Story(headline, sentence, "wait", steps, poll_seconds=poll_seconds)
    if _is_unanswered(payment):
        return Story(*_UNANSWERED, "wait", steps, cancel_label=_CANCEL, poll_seconds=2)
    issue = _last_issue(payment)
    headline, sentence = _WAITING
    if issue:
        headline = _CLOSED if issue in _CLOSED_AT_PAYPAL else _DECLINED
        sentence = _STILL_HELD
    return Story(
        headline,
        sentence if is_held else _NO_LONGER_HELD,
        "bad" if issue else "wait",
        steps,
        pay_label=_("Try again") if issue else _("Pay now"),
        cancel_label=_CANCEL,
        poll_seconds=4,
    )


def _tell_failed(order: Order, payment: Payment, steps: list[Step]) -> Story:
    headline, sentence = _FAILED[FailureReason(order.reason)]
    took_money = any(c.status not in _NO_MONEY for c in payment.captures.all())
    if took_money and order.reason != FailureReason.PAYMENT_MISMATCH:
        headline = _("This order has ended. Your money goes back to you in full.")
        sentence = _("A payment reached us too late, and we are returning all of it.")
    return Story(headline, sentence, "wait" if order.reason in _WISHED else "bad", steps)


def _is_unanswered(payment: Payment) -> bool:
    """Tell whether the customer came back from PayPal, and PayPal has not said yet what it was."""
    attempts = list(payment.attempts.all())
    if not attempts or attempts[-1].status != AttemptStatus.OPEN:
        return False
    came_back_at = attempts[-1].came_back_at
    return came_back_at is not None and came_back_at > timezone.now() - _BELIEVED_FOR


def _last_issue(payment: Payment) -> str:
    attempts = list(payment.attempts.all())
    if not attempts or attempts[-1].status != AttemptStatus.CLOSED:
        return ""
    return attempts[-1].issue


def _steps(order: Order) -> list[Step]:
    """Return the four stations, or those up to the one where the order stopped."""
    at = {step.new: step.at for step in order.transitions.all()}
    placed = Step(_("Placed"), "done", order.placed_at)
    if order.status == OrderStatus.FAILED:
        return [placed, Step(_("Not paid"), "stopped", at.get(OrderStatus.FAILED))]
    way = [OrderStatus.SUCCESS, OrderStatus.SHIPPED, OrderStatus.DELIVERED]
    labels = {
        OrderStatus.SUCCESS: _("Paid"),
        OrderStatus.SHIPPED: _("Shipped"),
        OrderStatus.DELIVERED: _("Delivered"),
    }
    if order.status == OrderStatus.CANCELLED:
        paid = Step(labels[OrderStatus.SUCCESS], "done", at.get(OrderStatus.SUCCESS))
        stop = Step(_("Cancelled"), "stopped", at.get(OrderStatus.CANCELLED))
        return [placed, paid, stop]
    reached = way.index(OrderStatus(order.status)) + 1 if order.status in way else 0
    states = ["done"] * reached + ["now"] + ["todo"] * 3
    return [placed] + [
        Step(labels[status], state, at.get(status) if state == "done" else None)
        for status, state in zip(way, states, strict=False)
    ]
