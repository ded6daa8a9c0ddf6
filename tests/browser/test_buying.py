"""A purchase from the shop window to the email."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewShopper
from tests.browser.shopper import Shopper
from tests.running_stack import RunningStack

_THANKS = "Thank you. Your order is paid."


def _buy(shopper: Shopper, slug: str, *, sku: str = "", quantity: str = "1") -> str:
    shopper.place_order(slug, sku=sku, quantity=quantity)
    shopper.pay()
    expect(shopper.headline).to_have_text(_THANKS)
    return shopper.order_number


def test_guest_finds_a_product_picks_a_variant_and_pays(shopper: Shopper) -> None:
    page = shopper.page
    page.goto("/")
    page.get_by_role("searchbox").fill("da lat")
    page.get_by_role("searchbox").press("Enter")
    page.get_by_role("link", name="Đà Lạt arabica coffee").click()
    page.get_by_text("250 g, ground for phin").click()
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_role("link", name="View the cart").click()
    expect(page.locator(".line")).to_contain_text("250 g, ground for phin")
    page.get_by_role("link", name="Check out").click()
    shopper.fill_in()
    expect(shopper.main_button).to_have_text("Continue to PayPal · $14.50")
    shopper.go_to_paypal()
    shopper.pay()
    expect(shopper.headline).to_have_text(_THANKS)


def test_order_page_shows_the_step_and_the_cart_is_empty(shopper: Shopper) -> None:
    _buy(shopper, "phin-filter")
    expect(shopper.steps).to_have_count(4)
    expect(shopper.steps.nth(0)).to_have_class("step-done")
    expect(shopper.steps.nth(1)).to_have_class("step-done")
    expect(shopper.steps.nth(1)).to_contain_text("Paid")
    expect(shopper.steps.nth(2)).to_have_class("step-now")
    expect(shopper.page.locator(".site-nav .count")).to_have_count(0)
    shopper.page.goto("/cart/")
    expect(shopper.page.get_by_text("Your cart is empty.")).to_be_visible()


def test_receipt_comes_by_email_and_its_link_opens_the_order(shopper: Shopper) -> None:
    number = _buy(shopper, "west-lake-lotus-tea")
    mail = shopper.mail("order.confirmed")
    assert number in mail["subject"]
    assert number in mail["text"]
    [link] = set(re.findall(r"http://\S+/orders/\S+", mail["text"]))
    assert f'href="{link}"' in mail["html"]
    for text in ("West Lake lotus tea", "$34.50", "12 Hàng Gai"):
        assert text in mail["text"]
        assert text in mail["html"]
    shopper.page.goto(link)
    expect(shopper.headline).to_have_text(_THANKS)
    expect(shopper.page.locator(".emails")).to_contain_text("Receipt")


def test_html_email_is_readable_on_a_phone(shopper: Shopper, new_shopper: NewShopper) -> None:
    _buy(shopper, "tay-ninh-rice-paper")
    mail = shopper.mail("order.confirmed")
    reader = new_shopper().page
    reader.set_content(mail["html"])
    assert reader.evaluate("document.documentElement.scrollWidth") == 390
    expect(reader.get_by_role("link", name="See your order")).to_be_visible()


def test_order_stock_and_books_agree_about_the_sale(shopper: Shopper, shop: RunningStack) -> None:
    before = json.loads(shop.manage("show_stock", "PEPPER-RED-100", "--json"))
    number = _buy(shopper, "phu-quoc-pepper", sku="PEPPER-RED-100", quantity="3")
    order = shopper.order(number)
    assert (order["order"]["status"], order["payment"]["status"]) == ("SUCCESS", "SUCCESS")
    assert order["order"]["transaction_id"] == order["payment"]["transaction_id"]
    [capture] = shopper.captures(number)
    assert capture["amount"]["value"] == order["order"]["total"] == order["payment"]["amount"]
    assert [hold["status"] for hold in order["holds"]] == ["SOLD"]
    after = json.loads(shop.manage("show_stock", "PEPPER-RED-100", "--json"))
    assert after == before | {
        "on_hand": before["on_hand"] - 3,
        "available": before["available"] - 3,
    }
    assert json.loads(shop.manage("check_books", "--json"))["balanced"]


def test_vietnamese_purchase_is_vietnamese_to_the_email(shopper: Shopper) -> None:
    page = shopper.page
    page.goto("/products/phin-filter/")
    page.locator("footer button[lang=vi]").click()
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    expect(page).to_have_url(re.compile(r"/products/phin-filter/$"))
    shopper.place_order("phin-filter")
    expect(page.get_by_role("button", name="Thanh toán", exact=True)).to_be_visible()
    shopper.pay()
    expect(shopper.headline).to_have_text("Cảm ơn bạn. Đơn hàng đã được thanh toán.")
    mail = shopper.mail("order.confirmed")
    assert "đã được xác nhận" in mail["subject"]
    assert '<html lang="vi"' in mail["html"]
    assert "Thank you" not in mail["text"]


def test_browsers_language_is_the_first_language(new_shopper: NewShopper) -> None:
    page = new_shopper(locale="vi-VN").page
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    page.locator("footer button[lang=en]").click()
    page.goto("/products/")
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_whole_purchase_needs_no_javascript(new_shopper: NewShopper) -> None:
    shopper = new_shopper(java_script_enabled=False)
    _buy(shopper, "bamboo-basket", sku="BASKET-BAMBOO-L", quantity="2")
    assert shopper.mail("order.confirmed")


def test_whole_purchase_on_a_slow_network(shopper: Shopper) -> None:
    wire = shopper.page.context.new_cdp_session(shopper.page)
    wire.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 400,  # ms
            "downloadThroughput": 50_000,  # bytes a second, as Chromium's "3G"
            "uploadThroughput": 50_000,
        },
    )
    _buy(shopper, "phin-filter")


def test_cart_changes_without_javascript(new_shopper: NewShopper) -> None:
    shopper = new_shopper(java_script_enabled=False)
    shopper.put_in_cart("phin-filter")
    shopper.page.goto("/cart/")
    shopper.page.locator("[name=quantity][type=text]").fill("4")
    shopper.page.get_by_role("button", name="Update").click()
    expect(shopper.page.locator(".line-total")).to_have_text("$34.00")
    shopper.page.get_by_role("button", name="Remove").click()
    expect(shopper.page.get_by_text("Your cart is empty.")).to_be_visible()


def _tab_to(page: Page, selector: str) -> None:
    for _ in range(60):
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab never reaches {selector}.")


def test_keyboard_alone_goes_through_the_checkout(shopper: Shopper) -> None:
    page = shopper.page
    page.goto("/products/phin-filter/")
    _tab_to(page, ".buy button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="View the cart")).to_be_visible()
    page.goto("/checkout/")
    for name, text in shopper.address.items():
        _tab_to(page, f"[name={name}]")
        page.keyboard.type(text)
        if name == "phone":
            _tab_to(page, "[name=country]")
            page.keyboard.type("Viet")
    _tab_to(page, "button[data-busy]")
    page.keyboard.press("Enter")
    shopper.pay()
    expect(shopper.headline).to_have_text(_THANKS)


def test_first_tab_skips_to_the_content(shopper: Shopper) -> None:
    shopper.page.goto("/products/")
    shopper.page.keyboard.press("Tab")
    skip = shopper.page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    shopper.page.keyboard.press("Enter")
    expect(shopper.page.locator("main")).to_be_focused()
