"""place_order(): order, payment and held stock in one transaction."""

from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone, translation

from inventory import holds
from lifecycles.statements import one_statement
from notifications.tracing import name_in_log
from orders.events import record_order_event
from orders.lifecycle import OrderStatus
from orders.models import Order
from orders.placement import NewLine, NewOrder, create_order
from payments.endings import supersede_order
from payments.lifecycle import PaymentStatus
from payments.models import Payment
from payments.opening import create_payment
from shop.limits import email_lock, require_few_open_orders
from shop.placement import (
    DeliveryUnavailable,
    EmptyCart,
    ForeignCheckoutKey,
    LinesUnavailable,
    Placement,
    PriceChanged,
    UnavailableLine,
)
from shop.pricing import Quote, QuotedLine, quote

LONGEST_LOCK_WAIT = "10s"
_OVER = (OrderStatus.FAILED, OrderStatus.CANCELLED)
# Nearly always there is none; naming all columns through the ORM took a fifth of a placement.
_EARLIER = """
    SELECT id FROM orders_order
    WHERE cart_id = %s AND status <> ALL(%s) OR checkout_key = %s
    ORDER BY id FOR NO KEY UPDATE
"""


def place_order(placement: Placement) -> Order:
    """Create Order and Payment, PENDING under one transaction id, with every line's stock held.

    Idempotent by checkout key and content: the same wish finds its order. An unpaid order of the
    same cart gives way to a changed wish; one that is being paid or is paid is returned instead.
    Owns its transaction. Raises PlacementRefused, having changed nothing.
    """
    with transaction.atomic(durable=True):
        return find_or_place(placement)


def find_or_place(placement: Placement) -> Order:
    """Do what place_order() does, in the caller's transaction."""
    with translation.override(placement.locale):
        _queue_behind_same(placement)
        earlier = _earlier_orders(placement)
        for order in earlier:
            if _answers(order, placement):
                return order
        require_few_open_orders(placement, besides=earlier)
        return _place(placement, earlier)


def _queue_behind_same(placement: Placement) -> None:
    """Let placements of one cart, one key and one email address follow one another.

    That or any row is waited for no longer than the limit.
    """
    locks = sorted(_locks(placement))  # one order for all: no deadlock
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true)"
            + ", pg_advisory_xact_lock(%s)" * len(locks),
            [LONGEST_LOCK_WAIT, *locks],
        )


def _locks(placement: Placement) -> set[int]:
    locks = {one.int >> 65 for one in (placement.cart_id, placement.checkout_key)}
    if settings.RATE_LIMITS:
        locks.add(email_lock(placement.contact.email))
    return locks


def _earlier_orders(placement: Placement) -> list[Order]:
    """Lock and return what this cart has ordered and not lost, and who holds the key."""
    with connection.cursor() as cursor:
        cursor.execute(_EARLIER, [placement.cart_id, list(_OVER), placement.checkout_key])
        keys = [key for (key,) in cursor.fetchall()]
    if not keys:
        return []
    orders = list(Order.objects.locked().filter(pk__in=keys))
    payments = Payment.objects.locked().in_bulk([o.pk for o in orders], field_name="order_id")
    for order in orders:
        order.payment = payments[order.pk]
        if order.checkout_key == placement.checkout_key and not _is_owner(order, placement):
            raise ForeignCheckoutKey(str(placement.checkout_key))
    return orders


def _is_owner(order: Order, placement: Placement) -> bool:
    return order.cart_id == placement.cart_id or (
        order.user_id is not None and order.user_id == placement.user_id
    )


def _answers(order: Order, placement: Placement) -> bool:
    """Say whether an earlier order is the answer to this placement."""
    if order.status in _OVER:
        return False
    if order.payment.status != PaymentStatus.PENDING:
        return True
    return (
        order.checkout_key == placement.checkout_key and order.fingerprint == placement.fingerprint
    )


def _place(placement: Placement, earlier: list[Order]) -> Order:
    now = timezone.now()
    priced = _priced(placement)
    for order in earlier:
        _give_way(order, placement, at=now)
    with one_statement():
        order, lines = create_order(_new_order(placement, priced), by="customer", at=now)
        create_payment(order, by="customer", at=now)
        record_order_event(order, "order.placed", lines=lines)
    name_in_log(order=order.number, transaction_id=order.transaction_id)
    _hold(order, priced, earlier, at=now)
    return order


def _priced(placement: Placement) -> Quote:
    if not placement.items:
        raise EmptyCart
    priced = quote(
        items=placement.items, delivery=placement.delivery, country=placement.contact.country
    )
    if priced.missing:
        wanted = dict(placement.items)
        raise LinesUnavailable(
            tuple(UnavailableLine(sku, sku, wanted[sku], 0) for sku in priced.missing)
        )
    if priced.delivery is None:
        raise DeliveryUnavailable(placement.delivery)
    if placement.shown_total not in {None, priced.total}:
        raise PriceChanged(priced.total)
    return priced


def _give_way(order: Order, placement: Placement, *, at: datetime) -> None:
    """End an earlier unpaid order of this cart, and take the checkout key from who holds it."""
    holds_key = order.checkout_key == placement.checkout_key
    if order.status == OrderStatus.PENDING:
        supersede_order(order, order.payment, gives_up_key=holds_key, at=at)
    elif holds_key:
        order.give_up_key(by="customer", at=at)


def _hold(order: Order, priced: Quote, earlier: list[Order], *, at: datetime) -> None:
    """Set the stock aside, the superseded orders' holds first given back: the last locks."""
    try:
        holds.hold(
            reference=order.transaction_id,
            quantities={line.variant.sku: line.quantity for line in priced.lines},
            until=min(at + settings.ORDER_HOLD, order.expires_at),
            by="customer",
            at=at,
            instead_of=[one.transaction_id for one in earlier],
        )
    except holds.ShortOfStock as short:
        names = {line.variant.sku: _full_name(line) for line in priced.lines}
        raise LinesUnavailable(
            tuple(
                UnavailableLine(one.sku, names[one.sku], one.wanted, one.available)
                for one in short.shortages
            )
        ) from short


def _new_order(placement: Placement, priced: Quote) -> NewOrder:
    return NewOrder(
        checkout_key=placement.checkout_key,
        fingerprint=placement.fingerprint,
        cart_id=placement.cart_id,
        contact=placement.contact,
        lines=[_new_line(line) for line in priced.lines],
        delivery_name=priced.delivery.name if priced.delivery else "",
        delivery_price=priced.delivery_price,
        locale=placement.locale,
        user_id=placement.user_id,
        network_address=placement.network_address,
    )


def _new_line(line: QuotedLine) -> NewLine:
    product = line.variant.product
    return NewLine(
        sku=line.variant.sku,
        name=product.name,
        variant_name=line.variant.name,
        slug=product.slug,
        picture=product.picture,
        quantity=line.quantity,
        unit_price=line.variant.price,
    )


def _full_name(line: QuotedLine) -> str:
    name, variant = line.variant.product.name, line.variant.name
    return f"{name} · {variant}" if variant else name
