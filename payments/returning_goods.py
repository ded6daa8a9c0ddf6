"""Goods that came back of a shipped order: rows, stock and money in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from inventory.returns import Returned, take_back
from orders.lifecycle import OrderStatus
from orders.models import Order, OrderReturn, ReturnedLine
from payments.locks import lock_order
from payments.models import Refund
from payments.refunds import request_of_payment, send_at_once

_FOR_RETURN = "returned"
_WITH_THE_CUSTOMER = frozenset({OrderStatus.SHIPPED, OrderStatus.DELIVERED})


class ReturnRefused(Exception):
    """Nothing was recorded; the message says why."""


@dataclass(frozen=True, kw_only=True)
class ReturnedPieces:
    """What came back of one order line."""

    line_id: int
    restocked: int
    written_off: int


def record_return(
    *,
    order_id: int,
    pieces: Sequence[ReturnedPieces],
    refund: Decimal | None,
    by: str,
    request_id: UUID,
) -> bool:
    """Take goods back, and refund so much of the money, or none; return whether it was news.

    The same request id, as from a second click, is the same return. The refund is sent at once;
    where PayPal does not answer, the clock goes on. Owns its transactions. Raises ReturnRefused,
    MoreThanSold and RefundRefused.
    """
    is_news, wish = _record(order_id, pieces, refund, by, request_id)
    if wish is not None:
        send_at_once(wish, by=by)
    return is_news


@transaction.atomic(durable=True)
def _record(
    order_id: int,
    pieces: Sequence[ReturnedPieces],
    refund: Decimal | None,
    by: str,
    request_id: UUID,
) -> tuple[bool, Refund | None]:
    order, payment = lock_order(order_id)
    if order.returns.filter(request_id=request_id).exists():
        return False, None
    if order.status not in _WITH_THE_CUSTOMER:
        raise ReturnRefused(f"{order} is {order.status}: nothing of it is with the customer.")
    occasion = OrderReturn.objects.create(
        order=order, request_id=request_id, by=by, at=timezone.now()
    )
    _take_back(order, occasion, [one for one in pieces if one.restocked or one.written_off])
    if not refund:
        return True, None
    return True, request_of_payment(payment, refund, _FOR_RETURN, by, request_id)


def _take_back(order: Order, occasion: OrderReturn, pieces: Sequence[ReturnedPieces]) -> None:
    lines = {line.pk: line for line in order.lines.all()}
    if not pieces or not lines.keys() >= {one.line_id for one in pieces}:
        raise ReturnRefused("Say how many pieces of which line came back.")
    ReturnedLine.objects.bulk_create(
        ReturnedLine(
            occasion=occasion,
            line=lines[one.line_id],
            restocked=one.restocked,
            written_off=one.written_off,
        )
        for one in pieces
    )
    goods = [Returned(lines[one.line_id].sku, one.restocked, one.written_off) for one in pieces]
    take_back(reference=order.transaction_id, goods=goods, by=occasion.by, at=occasion.at)
