"""How a shopper comes to an order's page in each state it has."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.shopper import CANCEL, DECLINE, Shopper

_SHIP = "ship_order(order_id=order.pk, carrier='VNPost', tracking_number='EB123456789VN', by='An')"
_REFUND = (
    "refund_payment(order_id=order.pk, amount=Decimal('3.00'), reason='Torn', by='An', "
    "request_id=uuid4())"
)


def _order_waiting(shopper: Shopper) -> None:
    shopper.place_order("quang-phu-cau-incense", quantity="2")
    shopper.at_paypal(CANCEL)


def _order_declined(shopper: Shopper) -> None:
    shopper.place_order("tay-ninh-rice-paper")
    shopper.at_paypal(DECLINE)


def _order_paid(shopper: Shopper) -> None:
    shopper.place_order("van-phuc-silk-scarf", sku="SCARF-SILK-JADE")
    shopper.pay()
    expect(shopper.page.locator(".emails")).to_be_visible(timeout=60_000)


def _order_in_review(shopper: Shopper) -> None:
    shopper.place_order("quang-phu-cau-incense")
    with shopper.paypal_fault("capture", "pending_review"):
        shopper.pay()
    expect(shopper.page.locator(".state-wait")).to_be_visible()


def _order_refused(shopper: Shopper) -> None:
    shopper.place_order("tay-ninh-rice-paper")
    with shopper.paypal_fault("capture", "decline"):
        shopper.pay()
    expect(shopper.page.locator(".step-stopped")).to_be_visible()


def _order_sold_out(shopper: Shopper) -> None:
    """Its hold has ended, others have bought the rest, and then it is approved."""
    shopper.place_order("chu-dau-fish-plate")
    shopper.staff(
        "StockHold.objects.filter(reference=order.transaction_id).update(held_until=timezone.now())",
        "release_ended_hold(order.pk)",
    )
    with shopper.left({"PLATE-CHUDAU-26": 0}):
        shopper.pay()
        expect(shopper.page.locator(".step-stopped")).to_be_visible()


def _order_expired(shopper: Shopper) -> None:
    _order_waiting(shopper)
    shopper.staff(
        "Order.objects.filter(pk=order.pk).update(expires_at=timezone.now())",
    )
    expect(shopper.page.locator(".step-stopped")).to_be_visible(timeout=60_000)


def _order_let_go(shopper: Shopper) -> None:
    """Its items are no longer set aside, and it can still be paid."""
    _order_waiting(shopper)
    shopper.staff(
        "StockHold.objects.filter(reference=order.transaction_id).update(held_until=timezone.now())",
        "release_ended_hold(order.pk)",
    )
    shopper.page.reload()


def _order_unanswered(shopper: Shopper) -> None:
    """The customer came back, and PayPal does not say yet what became of it."""
    _order_waiting(shopper)
    shopper.staff("order.payment.attempts.update(came_back_at=timezone.now())")
    shopper.page.reload()
    expect(shopper.main_button).to_have_count(0)


def _order_superseded(shopper: Shopper) -> None:
    _order_waiting(shopper)
    address = shopper.page.url
    shopper.place_order("tay-ninh-rice-paper")
    shopper.page.goto(address)
    expect(shopper.page.locator(".step-stopped")).to_be_visible()


def _paid(shopper: Shopper) -> None:
    shopper.place_order("tay-ninh-rice-paper", quantity="2")
    shopper.pay()
    expect(shopper.page.locator(".state-good")).to_be_visible()


def _order_shipped(shopper: Shopper) -> None:
    _paid(shopper)
    shopper.staff(_SHIP)
    shopper.page.reload()


def _too_late_to_cancel(shopper: Shopper) -> None:
    """The parcel left while the page was open."""
    _paid(shopper)
    shopper.page.route("**/*format=json", lambda route: route.fulfill(json={}))
    shopper.staff(_SHIP)
    shopper.page.locator("form[action$='/cancel/'] button").click()
    expect(shopper.page.locator("[role=alert]")).to_be_visible()


def _order_delivered(shopper: Shopper) -> None:
    _paid(shopper)
    shopper.staff(_SHIP, "mark_delivered(order_id=order.pk, by='An')")
    shopper.page.reload()


def _order_refunded_in_part(shopper: Shopper) -> None:
    _paid(shopper)
    shopper.staff(_REFUND)
    shopper.page.reload()
    expect(shopper.page.locator(".sums")).to_contain_text(re.compile("3[.,]00"))


def _order_cancelled_by_shop(shopper: Shopper) -> None:
    _paid(shopper)
    shopper.staff("cancel_by_shop(order_id=order.pk, reason='Broken', by='An')")
    shopper.page.reload()
    expect(shopper.page.locator(".step-stopped")).to_be_visible()


def _order_wished_away(shopper: Shopper) -> None:
    _paid(shopper)
    shopper.page.locator("form[action$='/cancel/'] button").click()
    expect(shopper.page.locator(".note")).to_be_visible()


def _reordering(shopper: Shopper) -> None:
    _order_cancelled(shopper)
    shopper.page.locator("a[href*='/cart/reorder/']").click()


def _order_cancelled(shopper: Shopper) -> None:
    _order_waiting(shopper)
    shopper.page.locator("form[action$='/cancel/'] button").click()
    expect(shopper.page.locator(".step-stopped")).to_be_visible()


ORDER_STATES: dict[str, Callable[[Shopper], None]] = {
    "order waiting": _order_waiting,
    "order declined": _order_declined,
    "order paid": _order_paid,
    "order cancelled": _order_cancelled,
    "order in review": _order_in_review,
    "order refused": _order_refused,
    "order sold out": _order_sold_out,
    "order expired": _order_expired,
    "order shipped": _order_shipped,
    "order delivered": _order_delivered,
    "order refunded in part": _order_refunded_in_part,
    "order cancelled by the shop": _order_cancelled_by_shop,
    "order wished away": _order_wished_away,
    "order no longer held": _order_let_go,
    "order unanswered": _order_unanswered,
    "order superseded": _order_superseded,
    "order too late to cancel": _too_late_to_cancel,
    "put in the cart again": _reordering,
}
# Much like others: seen by `make browser-all` alone.
RARE_ORDER_STATES = frozenset(
    {
        "order cancelled by the shop",
        "order delivered",
        "order expired",
        "order in review",
        "order refused",
        "order shipped",
        "order sold out",
        "order wished away",
        "order no longer held",
        "order superseded",
        "order too late to cancel",
        "order unanswered",
    }
)
