"""How a shopper comes to each page of the shop, in each state it has."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.account import PASSWORD, ask_to_sign_up, follow, send, sign_out, sign_up
from tests.browser.shopper import CANCEL, DECLINE, Shopper

Way = Callable[[Shopper], None]


def _at(path: str) -> Way:
    def go(shopper: Shopper) -> None:
        shopper.page.goto(path)

    return go


def _cart(shopper: Shopper) -> None:
    shopper.put_in_cart("phin-filter", quantity="2")
    shopper.put_in_cart("van-phuc-silk-scarf")
    shopper.page.goto("/cart/")


def _cart_with_error(shopper: Shopper) -> None:
    shopper.put_in_cart("hoi-an-silk-lantern")
    shopper.page.goto("/cart/")
    shopper.page.locator("[name=quantity][type=text]").fill("7")
    shopper.page.locator("[name=quantity][type=text]").press("Enter")
    expect(shopper.page.locator("[role=alert]")).to_be_visible()


def _product_with_error(shopper: Shopper) -> None:
    shopper.put_in_cart("hoi-an-silk-lantern", quantity="7")
    expect(shopper.page.locator("[role=alert]")).to_be_visible()


def _product_added(shopper: Shopper) -> None:
    shopper.put_in_cart("mekong-checked-scarf")
    expect(shopper.page.locator(".messages a")).to_be_visible()


def _checkout(shopper: Shopper) -> None:
    _cart(shopper)
    shopper.page.goto("/checkout/")


def _checkout_with_errors(shopper: Shopper) -> None:
    _checkout(shopper)
    shopper.fill_in(email="lan@", city="", phone="call me")
    shopper.main_button.click()
    expect(shopper.page.locator(".error-summary")).to_be_focused()


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


def _cart_with_one(shopper: Shopper) -> None:
    shopper.put_in_cart("phin-filter")
    shopper.page.goto("/cart/")


def _cart_short(shopper: Shopper) -> None:
    """Others bought meanwhile: of one thing fewer are left, another is sold out."""
    shopper.put_in_cart("phu-lang-vase", quantity="3")
    shopper.put_in_cart("chu-dau-fish-plate")
    with shopper.left({"VASE-PHULANG-24": 1, "PLATE-CHUDAU-26": 0}):
        shopper.page.goto("/cart/")


def _cart_with_new_price(shopper: Shopper) -> None:
    shopper.put_in_cart("phin-filter")
    with shopper.price("PHIN-1", "9.75"):
        shopper.page.goto("/cart/")


def _checkout_with_new_price(shopper: Shopper) -> None:
    _checkout(shopper)
    shopper.fill_in()
    with shopper.price("PHIN-1", "9.75"):
        shopper.main_button.click()
        expect(shopper.page.locator(".error-summary")).to_be_focused()


def _checkout_short(shopper: Shopper) -> None:
    shopper.put_in_cart("phu-lang-vase", quantity="3")
    shopper.page.goto("/checkout/")
    shopper.fill_in()
    with shopper.left({"VASE-PHULANG-24": 1}):
        shopper.main_button.click()
        expect(shopper.page.locator(".error-summary")).to_be_focused()


def _in_line(shopper: Shopper) -> None:
    shopper.put_in_cart("west-lake-lotus-tea")
    shopper.page.goto("/checkout/")
    shopper.fill_in()
    shopper.page.route("**/*format=json", lambda route: route.fulfill(json={"state": "waiting"}))
    with shopper.stock_locked("TEA-LOTUS-50"):
        shopper.main_button.click()
        expect(shopper.page.locator("[data-waits]")).to_be_visible()


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


def _paid(shopper: Shopper) -> None:
    shopper.place_order("tay-ninh-rice-paper", quantity="2")
    shopper.pay()
    expect(shopper.page.locator(".state-good")).to_be_visible()


def _order_shipped(shopper: Shopper) -> None:
    _paid(shopper)
    shopper.staff(_SHIP)
    shopper.page.reload()


def _order_delivered(shopper: Shopper) -> None:
    _paid(shopper)
    shopper.staff(_SHIP, "mark_delivered(order_id=order.pk, by='An')")
    shopper.page.reload()


def _order_refunded_in_part(shopper: Shopper) -> None:
    _paid(shopper)
    shopper.staff(_REFUND)
    shopper.page.reload()
    expect(shopper.page.locator(".sums")).to_contain_text("3")


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


def _refused(path: str, **fields: str) -> Way:
    """Send the page's form with something wrong in it."""

    def go(shopper: Shopper) -> None:
        shopper.page.goto(path)
        send(shopper, **fields)
        expect(shopper.page.locator(".error-summary")).to_be_focused()

    return go


def _of_an_account(path: str) -> Way:
    def go(shopper: Shopper) -> None:
        sign_up(shopper)
        shopper.page.goto(path)

    return go


def _confirming(shopper: Shopper) -> None:
    ask_to_sign_up(shopper)
    follow(shopper, "account.confirm")


def _changing_address(shopper: Shopper) -> None:
    sign_up(shopper)
    shopper.page.goto("/accounts/email/")
    send(shopper, email=f"new.{shopper.email}")
    send(shopper, password=PASSWORD)
    expect(shopper.page.get_by_role("button")).not_to_have_count(0)


def _choosing_password(shopper: Shopper) -> None:
    sign_up(shopper)
    sign_out(shopper)
    shopper.page.goto("/accounts/password/reset/")
    send(shopper, email=shopper.email)
    follow(shopper, "account.password_reset")


def _history(shopper: Shopper) -> None:
    sign_up(shopper)
    shopper.place_order("phin-filter")
    shopper.pay()
    shopper.page.goto("/orders/")


_SHIP = "ship_order(order_id=order.pk, carrier='VNPost', tracking_number='EB123456789VN', by='An')"
_REFUND = (
    "refund_payment(order_id=order.pk, amount=Decimal('3.00'), reason='Torn', by='An', "
    "request_id=uuid4())"
)

STATES: dict[str, Way] = {
    "home": _at("/"),
    "list": _at("/products/"),
    "category": _at("/products/?category=ceramics&sort=price"),
    "search": _at("/products/?q=ca+phe"),
    "search without result": _at("/products/?q=submarine"),
    "product": _at("/products/da-lat-coffee/"),
    "product with few left": _at("/products/hoi-an-silk-lantern/"),
    "product sold out": _at("/products/bat-trang-teapot/"),
    "product with error": _product_with_error,
    "product added": _product_added,
    "cart empty": _at("/cart/"),
    "cart": _cart,
    "cart with error": _cart_with_error,
    "cart with one": _cart_with_one,
    "cart short": _cart_short,
    "cart with new price": _cart_with_new_price,
    "checkout": _checkout,
    "checkout with errors": _checkout_with_errors,
    "checkout with new price": _checkout_with_new_price,
    "checkout short": _checkout_short,
    "in line": _in_line,
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
    "put in the cart again": _reordering,
    "list, last page": _at("/products/?page=2"),
    "search mistyped": _at("/products/?q=cofee+filtr"),
    "contact": _at("/pages/contact/"),
    "delivery": _at("/pages/delivery/"),
    "not found": _at("/nothing/"),
    "sign in": _at("/accounts/login/"),
    "sign up": _at("/accounts/signup/"),
    "terms": _at("/pages/terms/"),
    "privacy": _at("/pages/privacy/"),
    "sign in refused": _refused("/accounts/login/", login="lan@example.com", password="wrong"),
    "sign up refused": _refused("/accounts/signup/", email="lan@", password1="123"),
    "sign up sent": ask_to_sign_up,
    "confirming": _confirming,
    "link too old": _at("/accounts/confirm-email/x/"),
    "password forgotten": _at("/accounts/password/reset/"),
    "password forgotten sent": _at("/accounts/password/reset/done/"),
    "password link too old": _at("/accounts/password/reset/key/1-x/"),
    "choosing a password": _choosing_password,
    "no orders": _of_an_account("/orders/"),
    "history": _history,
    "email address": _of_an_account("/accounts/email/"),
    "changing the address": _changing_address,
    "password again": _of_an_account("/accounts/reauthenticate/"),
    "password": _of_an_account("/accounts/password/change/"),
    "delete the account": _of_an_account("/accounts/delete/"),
    "sign out": _of_an_account("/accounts/logout/"),
    "find an order": _at("/orders/find/"),
    "find an order refused": _refused("/orders/find/", email="lan@"),
    "find an order sent": _at("/orders/find/?sent"),
}
# Much like others: seen by `make browser-all` alone.
RARE = frozenset(
    {
        "cart with one",
        "checkout short",
        "checkout with new price",
        "in line",
        "list, last page",
        "order cancelled by the shop",
        "order delivered",
        "order expired",
        "order in review",
        "order refused",
        "order shipped",
        "order sold out",
        "order wished away",
        "privacy",
        "put in the cart again",
        "terms",
        "sign up sent",
        "link too old",
        "password forgotten",
        "password forgotten sent",
        "password link too old",
        "choosing a password",
        "no orders",
        "email address",
        "password again",
        "password",
        "sign out",
        "find an order",
        "find an order sent",
    }
)
