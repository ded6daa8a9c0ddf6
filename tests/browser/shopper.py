"""A person who shops with a browser."""

import json
import re
import uuid
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from playwright.sync_api import Locator, Page, expect

from devtools.mailbox.formats import Message
from tests.running_stack import RunningStack

# The four forms on PayPal's page, in whatever language it speaks.
PAY, DECLINE, LEAVE, CANCEL = "pay", "decline", "leave", "cancel"

_STAFF_KNOW = """
from decimal import Decimal
from uuid import uuid4
from django.utils import timezone
from inventory.models import StockHold
from orders.fulfilment import mark_delivered, ship_order
from orders.models import Order
from payments.cancelling import cancel_by_shop
from payments.endings import release_ended_hold
from payments.refunds import refund_payment
"""
_ORDER_ADDRESS = re.compile(r"/orders/([\w-]+)/[\w-]+/$")
_PAYPAL_ADDRESS = re.compile(r"/checkoutnow\?token=")


class Shopper:
    """Walks through the shop on a page; every shopper has an email address of their own."""

    def __init__(self, page: Page, stack: RunningStack) -> None:
        self.page = page
        self._stack = stack
        self.email = f"lan.{uuid.uuid4().hex[:8]}@example.com"

    @property
    def address(self) -> dict[str, str]:
        """Return what this person types into the checkout's text fields, by name."""
        return {
            "email": self.email,
            "full_name": "Lan Nguyễn",
            "phone": "+84 90 123 45 67",
            "line1": "12 Hàng Gai",
            "city": "Hà Nội",
            "postal_code": "100000",
        }

    # --- In the shop

    def put_in_cart(self, slug: str, *, sku: str = "", quantity: str = "1") -> None:
        """Take a product from its page; without a SKU, the variant chosen beforehand."""
        self.page.goto(f"/products/{slug}/")
        buy = self.page.locator("form.buy")
        if sku:
            buy.locator(f"label:has(input[value='{sku}'])").click()
        buy.locator("[name=quantity]").fill(quantity)
        buy.locator("button").click()
        expect(self.page.locator(".messages a, [role=alert]").first).to_be_visible()

    def fill_in(self, **changes: str) -> None:
        """Fill in the checkout that is open."""
        for name, text in {**self.address, **changes}.items():
            self.page.locator(f"[name={name}]").fill(text)
        self.page.locator("[name=country]").select_option("VN")

    def place_order(self, slug: str, *, sku: str = "", quantity: str = "1") -> None:
        """Order one product and go as far as PayPal's page."""
        self.put_in_cart(slug, sku=sku, quantity=quantity)
        self.page.goto("/checkout/")
        self.fill_in()
        self.go_to_paypal()

    def go_to_paypal(self) -> None:
        self.main_button.click()
        expect(self.page).to_have_url(_PAYPAL_ADDRESS)

    def at_paypal(self, choice: str) -> None:
        """End the payment in one of the four ways PayPal's page offers."""
        self.page.locator(f"form[action='/checkoutnow/{choice}'] button").click()
        if choice != LEAVE:
            expect(self.page).to_have_url(_ORDER_ADDRESS)

    def pay(self) -> None:
        """Pay at PayPal and come back to the order's page."""
        self.at_paypal(PAY)

    # --- What the person sees

    @property
    def main_button(self) -> Locator:
        """Return the button that leads on: to PayPal, from the checkout or the order's page."""
        return self.page.locator("main button[data-busy]")

    @property
    def headline(self) -> Locator:
        return self.page.locator("h1")

    @property
    def steps(self) -> Locator:
        """Return the stations of the order's way; the class says where it stands."""
        return self.page.locator(".steps > li")

    @property
    def order_number(self) -> str:
        """Return the number in the address of the order's page."""
        found = _ORDER_ADDRESS.search(self.page.url)
        assert found, self.page.url
        return found[1]

    # --- What others do meanwhile

    def staff(self, *deeds: str) -> None:
        """Let staff do something about `order`, the last this person placed."""
        find = f"order = Order.objects.filter(email={self.email!r}).latest('placed_at')"
        self.shop_says("\n".join([_STAFF_KNOW, find, *deeds]))

    def shop_says(self, code: str) -> str:
        """Return what this code prints in the shop."""
        return self._stack.manage("shell", "-v", "0", "-c", code)

    @contextmanager
    def left(self, pieces: Mapping[str, int]) -> Generator[None]:
        """Let so many pieces of each SKU be left for a while."""
        before = {sku: self._on_hand(sku) for sku in pieces}
        self._set_stock(pieces)
        yield
        self._set_stock(before)

    @contextmanager
    def price(self, sku: str, price: str) -> Generator[None]:
        """Let a variant cost something else for a while."""
        variants = f"Variant.objects.filter(sku={sku!r})"
        code = "from shop.models import Variant\n"
        before = self.shop_says(f"{code}print({variants}[0].price)").strip()
        for one in (price, before):
            self.shop_says(f"{code}{variants}.update(price='{one}')")
            if one == price:
                yield

    @contextmanager
    def paypal_fault(self, route: str, kind: str) -> Generator[None]:
        """Let PayPal answer otherwise once."""
        self._stack.emulator.fault(route, kind)
        yield
        self._stack.emulator.clear_faults()

    def stock_locked(self, sku: str) -> AbstractContextManager[None]:
        return self._stack.stock_locked(sku)

    def _on_hand(self, sku: str) -> int:
        return int(json.loads(self._stack.manage("show_stock", sku, "--json"))["on_hand"])

    def _set_stock(self, pieces: Mapping[str, int]) -> None:
        for sku, on_hand in pieces.items():
            self._stack.manage("set_stock", sku, str(on_hand))

    # --- What the shop and PayPal know

    def order(self, number: str) -> Any:
        """Return what `show_order` tells."""
        return json.loads(self._stack.manage("show_order", number, "--json"))

    def orders_at_paypal(self, number: str) -> list[Any]:
        """Return PayPal's orders for this order, by their invoice numbers."""
        invoices = {number} | {f"{number}-{n}" for n in range(2, 10)}
        orders = self._stack.emulator.orders()
        return [one for one in orders if one["purchase_units"][0]["invoice_id"] in invoices]

    def captures(self, number: str) -> list[Any]:
        """Return the money PayPal took for this order."""
        captures = self._stack.emulator.captures()
        return [one for one in captures if one["invoice_id"].startswith(number)]

    # --- The mailbox

    def mail(self, kind: str) -> Message:
        """Wait for the email of this stage to this person."""
        return self._stack.mailbox.wait_for(
            lambda one: self.email in one["to"] and one["headers"].get("X-Event-Type") == kind,
            timeout=60,
        )

    def mails(self) -> list[str]:
        """Return the stages this person was emailed about, oldest first."""
        messages = self._stack.mailbox.messages()
        return [one["headers"]["X-Event-Type"] for one in messages if self.email in one["to"]]
