"""What must be true of one order when everything has come to rest."""

from collections.abc import Iterator
from decimal import Decimal

from devtools.chaos.world import QUANTITY, World
from devtools.paypal.records import JSON
from inventory.models import Stock
from notifications.models import Event
from orders.lifecycle import FailureReason, OrderStatus
from payments.lifecycle import PaymentStatus, RefundStatus
from payments.models import Capture, Payment, Refund
from payments.paypal import gateway
from payments.recording import FINAL_ISSUES

_ENDINGS = {
    OrderStatus.FAILED: {PaymentStatus.FAILED},
    OrderStatus.CANCELLED: {PaymentStatus.REFUNDED},
    OrderStatus.SUCCESS: {
        PaymentStatus.SUCCESS,
        PaymentStatus.PARTIALLY_REFUNDED,
        PaymentStatus.REFUNDED,
    },
}
_SAY_NOT_CHARGED = ("order.payment_failed", "order.sold_out", "order.expired")
_NO_MONEY = ("DECLINED", "FAILED")
# Closed, but not by a refusal that the customer is told of.
_UNTOLD_ISSUES = ("", "AMOUNT_DIFFERS", "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")
_EVENT_OF_FAILURE = {
    FailureReason.DECLINED: ("order.payment_failed", "order.expired"),
    FailureReason.CANCELLED: ("order.payment_failed",),
    FailureReason.CANCELLED_BY_SHOP: ("order.cancelled",),
    FailureReason.EXPIRED: ("order.expired",),
    FailureReason.SOLD_OUT: ("order.sold_out",),
    FailureReason.PAYMENT_MISMATCH: ("order.payment_mismatch",),
}


def problems(world: World) -> list[str]:
    """Return a sentence for everything that is wrong with the order."""
    world.order.refresh_from_db()
    checks = (_ending, _money, _refunds, _stock, _events, _promises, _request_ids)
    return [sentence for check in checks for sentence in check(world)]


def _ending(world: World) -> Iterator[str]:
    order = world.order
    payment = Payment.objects.get(order=order)
    if payment.status not in _ENDINGS.get(OrderStatus(order.status), set()):
        yield f"rests at {order.status}, its payment {payment.status}"
    untouchable = (PaymentStatus.CAPTURING, PaymentStatus.REVIEW)
    wishes = (FailureReason.CANCELLED, FailureReason.CANCELLED_BY_SHOP)
    if payment.transitions.filter(old__in=untouchable, reason__in=wishes).exists():
        yield "was cancelled while PayPal had its payment in hand"
    if order.reason and order.reason not in _EVENT_OF_FAILURE:
        yield f"failed for {order.reason}, which nobody did"


def _money(world: World) -> Iterator[str]:
    """PayPal holds what the books say: one capture of a paid order, none of any other."""
    remote = {one["id"]: one for one in world.remote_captures() if one["status"] != "DECLINED"}
    ours = {
        one.paypal_id: one
        for one in Capture.objects.filter(payment__order=world.order)
        if one.status not in _NO_MONEY
    }
    if remote.keys() != ours.keys():
        yield f"captured at PayPal {sorted(remote)}, in our books {sorted(ours)}"
    settling = [one for one in ours.values() if one.is_settling]
    if len(settling) != (world.order.status != OrderStatus.FAILED):
        yield f"is {world.order.status} and has {len(settling)} settling captures"
    for capture in ours.values():
        yield from _one_capture(capture, remote.get(capture.paypal_id))


def _one_capture(capture: Capture, remote: JSON | None) -> Iterator[str]:
    if remote is None:
        return
    if Decimal(remote["amount"]["value"]) != capture.amount:
        yield f"capture of {remote['amount']} is {capture.amount} in our books"
    returned = sum(one.amount for one in _completed(capture.payment) if one.capture == capture)
    expected = "COMPLETED" if not returned else "PARTIALLY_REFUNDED"
    if returned == capture.amount:
        expected = "REFUNDED"
    if remote["status"] != expected:
        yield f"capture is {remote['status']} at PayPal, {returned} refunded in our books"
    if not capture.is_settling and expected != "REFUNDED":
        yield "stray money was not refunded"
    if not capture.is_settling and Refund.objects.filter(capture=capture).count() != 1:
        yield "stray money has not one refund"


def _refunds(world: World) -> Iterator[str]:
    """PayPal has given back what our rows say, no more."""
    for attempt in world.attempts():
        if attempt.paypal_order_id and attempt.captures.exists():
            with world.around.points.elsewhere():
                remote = gateway().get_order(attempt.paypal_order_id).refunds
            theirs = {one.id for one in remote if one.status == RefundStatus.COMPLETED}
            completed = [r for r in _completed(attempt.payment) if r.capture.attempt == attempt]
            ours = {refund.paypal_id for refund in completed}
            if any(refund.request_id is None for refund in completed):
                yield "was refunded at PayPal, which nobody did"
            if theirs != ours:
                yield f"refunded at PayPal {sorted(theirs)}, in our books {ours}"


def _completed(payment: Payment) -> list[Refund]:
    refunds = Refund.objects.filter(capture__payment=payment, status=RefundStatus.COMPLETED)
    return list(refunds.select_related("capture"))


def _stock(world: World) -> Iterator[str]:
    if world.shares_stock:
        return
    stock = Stock.objects.get(sku=world.sku)
    sold = QUANTITY if world.order.status == OrderStatus.SUCCESS else 0
    expected = QUANTITY - world.taken - sold
    if (stock.on_hand, stock.held) != (expected, 0):
        yield f"on the shelf {stock.on_hand} ({stock.held} held), expected {expected}"


def _events(world: World) -> Iterator[str]:
    """Each transition was told once."""
    events = list(Event.objects.filter(subject=world.order.number))
    counts = {kind: sum(e.type == kind for e in events) for kind in {e.type for e in events}}
    payment = Payment.objects.get(order=world.order)
    refusals = sum(a.issue not in _UNTOLD_ISSUES for a in world.attempts())
    non_final = [e for e in events if _is_refusal(e) and not e.body["payment"]["final"]]
    final_refusals = sum(a.issue in FINAL_ISSUES for a in world.attempts())
    expected = {
        "order.placed": 1,
        "order.confirmed": int(world.order.status != OrderStatus.FAILED),
        "order.cancelled": int(_is_cancelled_by_shop(world)),
        "order.payment_review": payment.transitions.filter(new=PaymentStatus.REVIEW).count(),
        "payment.refunded": len(_completed(payment)),
    }
    for kind, count in expected.items():
        if counts.get(kind, 0) != count:
            yield f"{kind} was told {counts.get(kind, 0)} times, not {count}"
    if len(non_final) != refusals - final_refusals:
        yield f"{len(non_final)} refusals were told, {refusals - final_refusals} happened"
    if sum(bool(e.personal["deliver_to"]) for e in non_final) > 1:
        yield "a refused card was mailed more than once"
    yield from _told_failure(world, events)


def _is_cancelled_by_shop(world: World) -> bool:
    return world.order.status == OrderStatus.CANCELLED or (
        world.order.reason == FailureReason.CANCELLED_BY_SHOP
    )


def _is_refusal(event: Event) -> bool:
    return event.type == "order.payment_failed"


def _told_failure(world: World, events: list[Event]) -> Iterator[str]:
    """The end without money is told by one event of its reason, the end with it by none."""
    ends = [
        e.type
        for e in events
        if e.type in {"order.sold_out", "order.expired", "order.payment_mismatch"}
        or (_is_refusal(e) and e.body["payment"]["final"])
        or (e.type == "order.cancelled" and world.order.status == OrderStatus.FAILED)
    ]
    if world.order.status == OrderStatus.FAILED:
        wanted = _EVENT_OF_FAILURE.get(FailureReason(world.order.reason), ())
        if len(ends) != 1 or ends[0] not in wanted:
            yield f"failed for {world.order.reason}, told by {ends}"
    elif ends:
        yield f"is {world.order.status}, yet {ends} was told"


def _promises(world: World) -> Iterator[str]:
    """Nobody is told "not charged" while there is money of theirs."""
    captures = Capture.objects.filter(payment__order=world.order).exclude(status__in=_NO_MONEY)
    for event in Event.objects.filter(subject=world.order.number, type__in=_SAY_NOT_CHARGED):
        if event.personal["deliver_to"] and captures.filter(recorded_at__lte=event.recorded_at):
            yield f"{event.type} was mailed although money had come"


def _request_ids(world: World) -> Iterator[str]:
    """Money is asked for again only under the id under which it was asked for first."""
    for attempt in world.attempts():
        ids = world.around.points.captures.get(attempt.paypal_order_id or "", set())
        if len(ids) > 1:
            yield f"attempt {attempt.number} was captured under {len(ids)} request ids"
