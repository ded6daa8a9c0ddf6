"""One order, its customer, its scarce stock, its PayPal orders: all that can happen to it."""

import json
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.db import connection
from django.test import Client

from devtools.chaos.clocks import Clocks
from devtools.chaos.points import Died, Points
from devtools.paypal.client import Emulator
from devtools.paypal.records import JSON
from inventory.holds import set_stock
from inventory.models import Stock
from orders.models import Order
from orders.placement import Contact
from payments import paypal as gateway_module
from payments import webhooks
from payments.cancelling import cancel_by_shop
from payments.duties import work_on_webhooks
from payments.endings import CannotCancel, cancel_by_customer
from payments.gateway import GatewayError
from payments.lifecycle import AttemptStatus
from payments.models import PaymentAttempt
from payments.refunds import RefundRefused, refund_payment
from shop import clock
from shop.checkout import place_order
from shop.models import Category, DeliveryMethod, Product, Variant
from shop.placement import Placement

QUANTITY = 2
_HOLD_IS_OVER = 16 * 60
_ORDER_IS_OVER = 3 * 3600 + 1
_A_PART = Decimal("5.00")


@dataclass
class Surroundings:
    """What all orders of a run have in common."""

    paypal: Emulator
    clocks: Clocks
    points: Points
    browser: Client = field(
        default_factory=lambda: Client(headers={"host": urlsplit(settings.SHOP_URL).netloc})
    )

    @cached_property
    def product_id(self) -> int:
        """Make what all the SKUs are kinds of, and the way of delivery, once."""
        category = Category.objects.create(slug="chaos", name_en="Chaos", name_vi="Hỗn loạn")
        DeliveryMethod.objects.create(
            slug="chaos", name_en="Post", name_vi="Bưu điện", price=Decimal("4.00")
        )
        product = Product.objects.create(
            slug="chaos", category=category, name_en="Cup", name_vi="Chén"
        )
        return product.pk

    def forget_process(self) -> None:
        """Lose what a process that died has had in memory."""
        connection.close()
        gateway_module._gateway = None


def new_variant(product_id: int, *, pieces: int) -> Variant:
    """Put a SKU on the shelf that nobody else orders."""
    sku = f"C-{uuid.uuid4().hex[:12]}"
    variant = Variant.objects.create(
        product_id=product_id, sku=sku, name_en="One", name_vi="Một", price=Decimal("12.50")
    )
    set_stock(sku=sku, on_hand=pieces, by="chaos")
    return variant


def new_order(variant: Variant, quantity: int = QUANTITY) -> Order:
    """Place an order of somebody new."""
    contact = Contact(
        email="lan@example.com",
        full_name="Lan Nguyễn",
        phone="",
        line1="12 Hàng Gai",
        line2="",
        city="Hà Nội",
        postal_code="100000",
        country="VN",
    )
    placement = Placement(
        checkout_key=uuid.uuid4(),
        cart_id=uuid.uuid4(),
        items=((variant.sku, quantity),),
        contact=contact,
        delivery="",
        shown_total=None,
        locale="en",
        user_id=None,
        network_address=None,
    )
    return place_order(placement)


class World:
    """One order and what may be done to it. Each deed says whether it was possible."""

    def __init__(
        self, around: Surroundings, order: Order, sku: str, *, shares_stock: bool = False
    ) -> None:
        self.around, self.order, self.sku = around, order, sku
        self.shares_stock = shares_stock
        self.taken = 0
        self.faults: set[str] = set()
        self._agreed: set[str] = set()
        self._events: list[bytes] = []

    @classmethod
    def new(cls, around: Surroundings) -> "World":
        """Place one order for the last pieces of a SKU."""
        variant = new_variant(around.product_id, pieces=QUANTITY)
        return cls(around, new_order(variant), variant.sku)

    def do(self, deed: str, *, die_at: int | None = None) -> bool:
        """Do a deed, dying at this point of it; say whether it was possible."""
        self.around.points.arm(die_at)
        try:
            return DEEDS[deed](self)
        except Died:
            self.around.forget_process()
            return True

    # --- The customer and their browser

    def start(self) -> bool:
        """Press "Pay now"."""
        self._visit(f"/payments/{self.order.transaction_id}/start/")
        return True

    def approve(self) -> bool:
        """Agree at PayPal, and close the tab."""
        return self._choose("leave")

    def approve_with_bad_card(self) -> bool:
        return self._choose("decline")

    def come_back(self) -> bool:
        """Come back from PayPal's newest page, for the first time or again."""
        token = self._newest_paypal_order()
        if token is None:
            return False
        self._visit(f"/payments/paypal/return/?token={token}")
        return True

    def cancel(self) -> bool:
        with suppress(CannotCancel):
            cancel_by_customer(order_id=self.order.pk)
        return True

    # --- PayPal

    def hear_of_approval(self) -> bool:
        """Receive the webhook of the newest approval."""
        token = self._newest_paypal_order()
        if token not in self._agreed:
            return False
        return self._receive("CHECKOUT.ORDER.APPROVED", {"id": token})

    def hear_of_capture(self) -> bool:
        """Receive the webhook of the newest capture."""
        captures = self.remote_captures()
        if not captures:
            return False
        newest = captures[-1]
        related = {"related_ids": {"order_id": newest["order_id"]}}
        return self._receive("PAYMENT.CAPTURE.COMPLETED", {**newest, "supplementary_data": related})

    def hear_again(self) -> bool:
        """Receive the last webhook once more."""
        return bool(self._events) and self._deliver(self._events[-1])

    def be_captured_elsewhere(self) -> bool:
        """Have the money taken, but not by the shop."""
        token = self._newest_paypal_order()
        if token not in self._agreed or token is None:
            return False
        with self.around.points.elsewhere(), suppress(GatewayError):
            gateway_module.PayPal().capture_order(token, request_id=uuid.uuid4())
        return True

    def lose_next_answer(self) -> bool:
        return self._spoil("capture", "truncated")

    def refuse_next_capture(self) -> bool:
        return self._spoil("capture", "decline")

    def review_next_capture(self) -> bool:
        return self._spoil("capture", "pending_review")

    def decline_next_capture(self) -> bool:
        return self._spoil("capture", "declined_capture")

    def lose_next_refund(self) -> bool:
        return self._spoil("refund", "truncated")

    def review_next_refund(self) -> bool:
        return self._spoil("refund", "pending_review")

    # --- The shop and the course of time

    def be_cancelled_by_shop(self) -> bool:
        with suppress(CannotCancel):
            cancel_by_shop(order_id=self.order.pk, reason="A crack.", by="staff")
        return True

    def refund_a_part(self) -> bool:
        with suppress(RefundRefused):
            refund_payment(
                order_id=self.order.pk,
                amount=_A_PART,
                reason="A scratch.",
                by="staff",
                request_id=uuid.uuid4(),
            )
        return True

    def tick(self) -> bool:
        clock.tick()
        return True

    def sell_out(self) -> bool:
        """Let somebody else have what is not held."""
        stock = Stock.objects.get(sku=self.sku)
        if not stock.available:
            return False
        self.taken += stock.available
        set_stock(sku=self.sku, on_hand=stock.held, by="chaos")
        return True

    def let_hold_end(self) -> bool:
        self.around.clocks.advance(_HOLD_IS_OVER)
        return True

    def let_order_end(self) -> bool:
        self.around.clocks.advance(_ORDER_IS_OVER)
        return True

    # --- Looking

    def remote_captures(self) -> list[JSON]:
        """Return PayPal's captures for this order, oldest first."""
        return self.around.paypal.captures(custom_id=str(self.order.transaction_id))

    def attempts(self) -> list[PaymentAttempt]:
        return list(PaymentAttempt.objects.filter(payment__order=self.order))

    # --- How

    def _visit(self, path: str) -> None:
        response = self.around.browser.get(path)
        if response.status_code >= requests.codes.server_error:
            raise AssertionError(f"{path} answered {response.status_code}.")

    def _newest_paypal_order(self) -> str | None:
        known = [one.paypal_order_id for one in self.attempts() if one.paypal_order_id]
        return known[-1] if known else None

    def _choose(self, choice: str) -> bool:
        open_one = next((a for a in self.attempts() if a.status == AttemptStatus.OPEN), None)
        token = open_one.paypal_order_id if open_one else None
        if token is None or token in self._agreed:
            return False
        with self.around.points.elsewhere():
            answer = requests.post(
                f"{settings.PAYPAL_BASE_URL}/checkoutnow/{choice}",
                data={"token": token},
                allow_redirects=False,
                timeout=30,
            )
        if answer.status_code >= requests.codes.bad_request:
            return False  # PayPal's window is over
        self._agreed.add(token)
        return True

    def _receive(self, event_type: str, resource: JSON) -> bool:
        event = {"id": f"WH-{uuid.uuid4()}", "event_type": event_type, "resource": resource}
        self._events.append(json.dumps(event).encode())
        return self._deliver(self._events[-1])

    def _deliver(self, body: bytes) -> bool:
        webhooks.receive(body, {})
        work_on_webhooks()
        return True

    def _spoil(self, route: str, kind: str) -> bool:
        """Let the next call to a route go wrong, unless it will already."""
        if route in self.faults:
            return False
        self.around.paypal.fault(route, kind)
        self.faults.add(route)
        return True

    def clear_faults(self) -> None:
        if self.faults:
            self.around.paypal.clear_faults()


Deed = Callable[[World], bool]

# What every interleaving is made of.
COMMON_DEEDS: dict[str, Deed] = {
    "start": World.start,
    "approve": World.approve,
    "decline": World.approve_with_bad_card,
    "return": World.come_back,
    "cancel": World.cancel,
    "webhook-approved": World.hear_of_approval,
    "webhook-captured": World.hear_of_capture,
    "webhook-again": World.hear_again,
    "tick": World.tick,
    "sold-out": World.sell_out,
    "hold-ends": World.let_hold_end,
    "order-ends": World.let_order_end,
}
# What is rarer, in the longer histories that are drawn.
RARE_DEEDS: dict[str, Deed] = {
    "captured-elsewhere": World.be_captured_elsewhere,
    "answer-lost": World.lose_next_answer,
    "capture-refused": World.refuse_next_capture,
    "capture-reviewed": World.review_next_capture,
    "capture-declined": World.decline_next_capture,
    "shop-cancels": World.be_cancelled_by_shop,
    "refund": World.refund_a_part,
    "refund-lost": World.lose_next_refund,
    "refund-reviewed": World.review_next_refund,
}
DEEDS = COMMON_DEEDS | RARE_DEEDS
