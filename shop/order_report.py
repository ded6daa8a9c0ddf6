"""One order as `show_order` tells it: the rows of every app, JSON-ready."""

from typing import Any

from inventory.models import StockHold
from notifications.status import deliveries_of, events_of
from orders.models import Order
from payments.models import Payment, Refund
from shop.timeline import timeline_of


class UnknownOrder(Exception):
    """There is no order of that number."""


def report_order(number: str) -> dict[str, Any]:
    """Return the order with payment, holds, events, emails and timeline; raise UnknownOrder."""
    number = number.strip().upper()
    order = Order.objects.select_related("payment").filter(number=number).first()
    if order is None:
        raise UnknownOrder(f"There is no order {number}.")
    holds = StockHold.objects.filter(reference=order.transaction_id).order_by("stock")
    return {
        "order": _order(order),
        "payment": _payment(order.payment),
        "holds": [
            {"sku": hold.stock_id, "quantity": hold.quantity, "status": hold.status}
            for hold in holds
        ],
        "events": events_of(order.number),
        "emails": deliveries_of(order.number),
        "timeline": [entry.to_json() for entry in timeline_of(order)],
    }


def _order(order: Order) -> dict[str, Any]:
    return {
        "number": order.number,
        "status": order.status,
        "reason": order.reason,
        "transaction_id": str(order.transaction_id),
        "email": order.email,
        "locale": order.locale,
        "currency": order.currency,
        "total": str(order.total),
        "placed_at": order.placed_at.isoformat(),
    }


def _payment(payment: Payment) -> dict[str, Any]:
    last = payment.attempts.exclude(paypal_order_id=None).last()
    settled = payment.captures.filter(is_settling=True).select_related("attempt").first()
    attempt = settled.attempt if settled else last
    return {
        "status": payment.status,
        "transaction_id": str(payment.transaction_id),
        "paypal_order_id": attempt.paypal_order_id if attempt else None,
        "amount": str(payment.amount),
        "currency": payment.currency,
        "captures": [
            {
                "id": capture.paypal_id,
                "status": capture.status,
                "amount": str(capture.amount),
                "currency": capture.currency,
            }
            for capture in payment.captures.all()
        ],
        "refunds": [
            {
                "id": refund.paypal_id,
                "status": refund.status,
                "amount": str(refund.amount),
                "currency": refund.currency,
            }
            for refund in Refund.objects.filter(capture__payment=payment)
        ],
    }
