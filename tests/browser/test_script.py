"""What the script adds: no reloads, one press, and the page as it was where it fails."""

import re

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import NewShopper
from tests.browser.shopper import Shopper


def _mark(page: Page) -> None:
    """Leave a mark that a reload would take away."""
    page.evaluate("document.documentElement.dataset.same = 'yes'")


def _expect_same(page: Page) -> None:
    expect(page.locator("html")).to_have_attribute("data-same", "yes")


def test_cart_changes_without_a_reload_and_says_so(shopper: Shopper) -> None:
    page = shopper.page
    shopper.put_in_cart("phin-filter")
    page.goto("/cart/")
    _mark(page)
    quantity = page.locator("[name=quantity][type=text]")
    quantity.fill("4")
    quantity.press("Enter")
    expect(page.locator(".line-total")).to_have_text("$34.00")
    expect(page.locator("#told")).to_have_text("4 pieces in the cart, $34.00 in all.")
    expect(page.locator(".site-nav .count")).to_contain_text("4")
    expect(quantity).to_be_focused()
    page.get_by_role("button", name="Remove").click()
    expect(page.locator("main")).to_contain_text("Your cart is empty.")
    expect(page.locator("main")).to_be_focused()
    _expect_same(page)


def test_too_many_are_refused_beside_their_field(shopper: Shopper) -> None:
    page = shopper.page
    shopper.put_in_cart("hoi-an-silk-lantern")
    page.goto("/cart/")
    _mark(page)
    page.locator("[name=quantity][type=text]").fill("7")
    page.locator("[name=quantity][type=text]").press("Enter")
    expect(page.locator("[role=alert]")).to_have_text("Only 3 are left.")
    expect(page.locator("[name=quantity][type=text]")).to_be_focused()
    expect(page).to_have_title(re.compile("^Error"))
    _expect_same(page)


def test_adding_keeps_the_page_and_the_chosen_variant(shopper: Shopper) -> None:
    page = shopper.page
    page.goto("/products/van-phuc-silk-scarf/")
    _mark(page)
    chosen = page.locator(".variants input").nth(1)
    page.locator(".variants label").nth(1).click()
    page.get_by_role("button", name="Add to cart").click()
    expect(page.locator(".messages [href='/cart/']")).to_be_in_viewport()
    expect(page.locator(".site-nav .count")).to_contain_text("1")
    expect(chosen).to_be_checked()
    _expect_same(page)


def test_two_lines_changed_at_once_are_both_changed(shopper: Shopper) -> None:
    page = shopper.page
    shopper.put_in_cart("phin-filter")
    shopper.put_in_cart("phu-lang-vase")
    page.goto("/cart/")
    page.evaluate(
        """() => { for (const form of document.querySelectorAll(".line-form")) {
            form.querySelector("[type=text]").value = "2";
            form.requestSubmit();
        } }"""
    )
    expect(page.locator("#told")).to_contain_text("4 pieces")
    page.reload()
    for line in page.locator("[name=quantity][type=text]").all():
        expect(line).to_have_value("2")


def test_slow_network_shows_that_it_works_and_sends_once(shopper: Shopper) -> None:
    page = shopper.page
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route("**/cart/add/", hold)
    page.goto("/products/phin-filter/")
    button = page.locator(".buy .button")
    button.click()
    expect(button).to_have_attribute("aria-busy", "true")
    button.click()
    button.press("Enter")
    assert len(waiting) == 1
    waiting[0].continue_()
    expect(page.locator(".site-nav .count")).to_contain_text("1")
    expect(button).not_to_have_attribute("aria-busy", "true")


def test_broken_connection_leaves_the_form_to_the_browser(shopper: Shopper) -> None:
    page = shopper.page
    page.goto("/products/phin-filter/")
    page.route("**/cart/add/", lambda route: route.abort(), times=1)
    page.get_by_role("button", name="Add to cart").click()
    expect(page.locator(".site-nav .count")).to_contain_text("1")


def test_pressed_button_is_fresh_again_after_the_back_button(new_shopper: NewShopper) -> None:
    shopper = new_shopper()
    shopper.place_order("phin-filter")
    shopper.page.go_back()
    expect(shopper.main_button).to_contain_text("Continue to PayPal")
    expect(shopper.main_button).not_to_have_attribute("aria-busy", "true")
    shopper.go_to_paypal()


def test_page_kept_by_the_browser_wakes_up_idle(shopper: Shopper) -> None:
    shopper.put_in_cart("phin-filter")
    shopper.page.goto("/checkout/")
    shopper.fill_in()
    shopper.page.route("**/checkout/", lambda route: route.abort())
    shopper.page.evaluate("addEventListener('submit', (event) => event.preventDefault())")
    shopper.main_button.click()
    expect(shopper.main_button).to_have_text("One moment …")
    shopper.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    expect(shopper.main_button).to_have_text(re.compile("Continue to PayPal"))
    expect(shopper.main_button).not_to_have_attribute("aria-busy", "true")
