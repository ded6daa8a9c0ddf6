"""Writing a new order down."""

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings

from lifecycles.statements import insert, next_key, write
from orders.lifecycle import OrderStatus
from orders.models import Order, OrderLine, OrderTransition


@dataclass(frozen=True, kw_only=True)
class Contact:
    """Who orders and where it goes."""

    email: str
    full_name: str
    phone: str
    line1: str
    line2: str
    city: str
    postal_code: str
    country: str  # ISO 3166-1 alpha-2


@dataclass(frozen=True, kw_only=True)
class NewLine:
    """One line to be ordered, named and priced as it is now, in the order's language."""

    sku: str
    name: str
    variant_name: str
    slug: str
    picture: str
    quantity: int
    unit_price: Decimal


@dataclass(frozen=True, kw_only=True)
class NewOrder:
    """All that an order is made of. Money is in the shop's currency, tax included."""

    checkout_key: uuid.UUID
    fingerprint: str
    cart_id: uuid.UUID
    contact: Contact
    lines: Sequence[NewLine]
    delivery_name: str
    delivery_price: Decimal
    locale: str
    user_id: int | None
    network_address: str | None


def create_order(new: NewOrder, *, by: str, at: datetime) -> tuple[Order, Sequence[OrderLine]]:
    """Insert the order, its lines and its first transition; joins the caller's transaction."""
    items_total = sum((line.unit_price * line.quantity for line in new.lines), Decimal("0.00"))
    order = Order(
        pk=next_key(Order),
        checkout_key=new.checkout_key,
        fingerprint=new.fingerprint,
        cart_id=new.cart_id,
        user_id=new.user_id,
        network_address=new.network_address,
        **asdict(new.contact),
        locale=new.locale,
        currency=settings.SHOP_CURRENCY,
        items_total=items_total,
        delivery_name=new.delivery_name,
        delivery_price=new.delivery_price,
        total=items_total + new.delivery_price,
        placed_at=at,
        expires_at=at + settings.ORDER_EXPIRY,
    )
    lines = [OrderLine(order=order, **asdict(line)) for line in new.lines]
    write(
        insert(order),
        insert(*lines),
        insert(OrderTransition(order=order, new=OrderStatus.PENDING, by=by, at=at)),
    )
    return order, lines
