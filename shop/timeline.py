"""One order's whole story, read from every app: what happened, when, and by whom."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from django.db.models import QuerySet, prefetch_related_objects

from inventory.models import StockMovement
from notifications.models import EmailDelivery, Event
from orders.models import Order
from payments.models import GatewayCall, Payment, WebhookReceipt


@dataclass(frozen=True)
class Entry:
    """One thing that happened to an order; `kind` says what sort of row tells it."""

    at: datetime
    kind: str  # order, payment, attempt, capture, refund, call, webhook, stock, event, email, note
    text: str
    by: str = ""
    email: int | None = None  # the ledger's row that shows what was sent

    def to_json(self) -> dict[str, Any]:
        """Return it as `show_order --json` shows it, the time in UTC."""
        at = self.at.astimezone(UTC).isoformat()
        return {"at": at, "kind": self.kind, "text": self.text, "by": self.by}


_DONE_BY_STAFF = {"resend": "Sent an email again", "check": "Asked PayPal"}
STORY = (
    "lines",
    "transitions",
    "notes",
    "sent_forms",
    "returns__lines__line",
    "payment__transitions",
    "payment__attempts",
    "payment__captures__refunds",
)


def timeline_of(order: Order, *, emails: Iterable[EmailDelivery] | None = None) -> list[Entry]:
    """Return everything that happened to an order, oldest first: a constant number of queries.

    `emails` are its `emails_about`, where the caller has them already.
    """
    prefetch_related_objects([order], *STORY)
    payment = order.payment
    entries = chain(
        _order_steps(order),
        _staff(order),
        _returns(order),
        _payment_steps(payment),
        _attempts(payment),
        _money(payment),
        _calls(payment),
        _webhooks(payment),
        _stock(order),
        _events(order),
        _emails(emails_about(order) if emails is None else emails),
    )
    return sorted(entries, key=lambda entry: entry.at)


def _order_steps(order: Order) -> Iterator[Entry]:
    for step in order.transitions.all():
        if step.old == step.new:
            text = "Gave its checkout key to the order that follows it"
        else:
            text = f"Order {_step(step.old, step.new, step.reason)}"
        yield Entry(step.at, "order", text, step.by)


def _staff(order: Order) -> Iterator[Entry]:
    """Tell what staff wrote, and what they did that leaves no other trace."""
    for note in order.notes.all():
        yield Entry(note.at, "note", note.text, note.by)
    for form in order.sent_forms.all():
        if told := _DONE_BY_STAFF.get(form.action):
            yield Entry(form.at, "note", told, form.by)


def _returns(order: Order) -> Iterator[Entry]:
    for occasion in order.returns.all():
        goods = "; ".join(str(one) for one in occasion.lines.all())
        yield Entry(occasion.at, "return", f"Came back: {goods}", occasion.by)


def _payment_steps(payment: Payment) -> Iterator[Entry]:
    for step in payment.transitions.all():
        yield Entry(
            step.at, "payment", f"Payment {_step(step.old, step.new, step.reason)}", step.by
        )


def _step(old: str, new: str, reason: str) -> str:
    told = f"{old} → {new}" if old else new
    return f"{told} ({reason})" if reason else told


def _attempts(payment: Payment) -> Iterator[Entry]:
    for attempt in payment.attempts.all():
        place = attempt.paypal_order_id or "PayPal has not answered"
        yield Entry(attempt.opened_at, "attempt", f"Attempt {attempt.number} opened: {place}")
        if attempt.closed_at:
            why = f": {attempt.issue}" if attempt.issue else ""
            yield Entry(attempt.closed_at, "attempt", f"Attempt {attempt.number} closed{why}")


def _money(payment: Payment) -> Iterator[Entry]:
    for capture in payment.captures.all():
        use = "" if capture.is_settling else ", stray"
        yield Entry(capture.recorded_at, "capture", f"Capture {capture}{use}", "PayPal")
        for refund in capture.refunds.all():
            name = refund.paypal_id or "not sent yet"
            reason = f" ({refund.reason})" if refund.reason else ""
            text = f"Refund {name}: {refund}{reason}"
            yield Entry(refund.requested_at, "refund", text, refund.by)


def _calls(payment: Payment) -> Iterator[Entry]:
    """Find the calls that were about the payment, its PayPal orders or its captures."""
    about = [str(payment.transaction_id)]
    about += [one.paypal_order_id for one in payment.attempts.all() if one.paypal_order_id]
    captures = payment.captures.all()
    about += [capture.paypal_id for capture in captures]
    about += [r.paypal_id for capture in captures for r in capture.refunds.all() if r.paypal_id]
    for call in GatewayCall.objects.filter(about__in=about).order_by("at", "pk"):
        ids = f"request id {call.request_id or '-'}, debug id {call.debug_id or '-'}"
        text = f"{call.operation}: {call.outcome} in {call.milliseconds} ms ({ids})"
        yield Entry(call.at, "call", text)


def _webhooks(payment: Payment) -> Iterator[Entry]:
    """Find what PayPal told of this order's PayPal orders."""
    names = [one.paypal_order_id for one in payment.attempts.all() if one.paypal_order_id]
    for receipt in WebhookReceipt.objects.filter(paypal_order_id__in=names):
        outcome = receipt.outcome or "not worked on yet"
        text = f"{receipt.event_type}: {outcome} ({receipt.event_id})"
        yield Entry(receipt.received_at, "webhook", text, "PayPal")


def _stock(order: Order) -> Iterator[Entry]:
    for movement in StockMovement.objects.filter(reference=order.transaction_id).order_by("pk"):
        changes = {"on hand": movement.on_hand_change, "held": movement.held_change}
        told = ", ".join(f"{name} {change:+}" for name, change in changes.items() if change)
        text = f"{movement.stock_id}: {movement.get_kind_display()} ({told})"
        yield Entry(movement.moved_at, "stock", text, movement.by)


def _events(order: Order) -> Iterator[Entry]:
    events: Iterable[Event] = (
        Event.objects.filter(subject=order.number)
        .select_related("publication", "quarantine")
        .order_by("recorded_at", "pk")
    )
    for event in events:
        if publication := getattr(event, "publication", None):
            place = f"published as {publication}"
        elif quarantine := getattr(event, "quarantine", None):
            given_up = f", given up by {quarantine.given_up_by}" if quarantine.given_up_at else ""
            place = f"set aside, Kafka refuses it: {quarantine.error}{given_up}"
        else:
            place = "waits for Kafka"
        yield Entry(event.recorded_at, "event", f"{event.type} ({event.pk}), {place}")


def emails_about(order: Order) -> QuerySet[EmailDelivery]:
    """Return the ledger's rows about an order, oldest first, without the messages themselves."""
    rows = EmailDelivery.objects.filter(subject=order.number)
    return rows.defer("value", "headers").order_by("pk")


def _emails(emails: Iterable[EmailDelivery]) -> Iterator[Entry]:
    for email in emails:
        why = f" ({email.reason})" if email.reason else ""
        sent = f", handed over {email.attempts} times" if email.attempts > 1 else ""
        hidden = f", {email.unknown} of them without an answer" if email.unknown else ""
        text = f"Email {email.event_type} to {email.email}: {email.status}{why}{sent}{hidden}"
        yield Entry(email.settled_at or email.created_at, "email", text, email=email.pk)
