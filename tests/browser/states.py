"""How a shopper comes to each page of the shop, in each state it has."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.account import PASSWORD, ask_to_sign_up, follow, send, sign_out, sign_up
from tests.browser.error_states import ERROR_STATES
from tests.browser.order_states import ORDER_STATES, RARE_ORDER_STATES
from tests.browser.shopper import Shopper

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


def _reminders(shopper: Shopper) -> None:
    code = "from notifications.stopping import stop_link; print(stop_link('lan@example.com'))"
    shopper.page.goto(shopper.shop_says(code).strip())


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
    "reminders": _reminders,
    **ORDER_STATES,
    **ERROR_STATES,
}
# Much like others: seen by `make browser-all` alone.
RARE = frozenset(
    {
        "category",
        "search mistyped",
        "product added",
        "cart with one",
        "checkout short",
        "checkout with new price",
        "list, last page",
        "delivery",
        "terms",
        "privacy",
        "sign in refused",
        "changing the address",
        "sign up sent",
        "link too old",
        "password forgotten sent",
        "password link too old",
        "choosing a password",
        "no orders",
        "email address",
        "password again",
        "password",
        "sign out",
        "find an order sent",
        *RARE_ORDER_STATES,
        *(set(ERROR_STATES) - {"overloaded", "server error"}),
    }
)
