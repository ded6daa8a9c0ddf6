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
    "checkout": _checkout,
    "checkout with errors": _checkout_with_errors,
    "order waiting": _order_waiting,
    "order declined": _order_declined,
    "order paid": _order_paid,
    "order cancelled": _order_cancelled,
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
