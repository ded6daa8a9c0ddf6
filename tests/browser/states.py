"""How a shopper comes to each page of the shop, in each state it has."""

from collections.abc import Callable

from playwright.sync_api import expect

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
    "password forgotten": _at("/accounts/password/reset/"),
}
