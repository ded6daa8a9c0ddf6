"""A customer who comes back: an account, its orders, and the address that is filled in."""

import re
from typing import Any

from playwright.sync_api import expect

from tests.browser.account import PASSWORD, follow, send, sign_in, sign_out, sign_up
from tests.browser.conftest import NewShopper
from tests.browser.shopper import Shopper

_THANKS_VI = re.compile("Cảm ơn bạn")


def _rows(shopper: Shopper) -> Any:
    shopper.page.goto("/orders/")
    return shopper.page.locator(".order-list li")


def _order_as_guest(shopper: Shopper, slug: str) -> str:
    shopper.place_order(slug)
    shopper.pay()
    return shopper.order_number


def test_returning_customer_shops_in_vietnamese_and_types_the_address_once(
    new_shopper: NewShopper,
) -> None:
    shopper = new_shopper(locale="vi-VN")
    page = shopper.page
    page.goto("/")
    page.get_by_role("link", name="Đơn của tôi").click()
    page.get_by_role("link", name="Lập tài khoản").click()
    expect(shopper.headline).to_have_text("Lập tài khoản")
    send(shopper, email=shopper.email, password1=PASSWORD)
    expect(shopper.headline).to_have_text("Hãy xem hộp thư của bạn")
    mail = shopper.mail("account.confirm")
    assert mail["subject"] == "Xác nhận địa chỉ email của bạn"
    assert 'lang="vi"' in mail["html"]
    follow(shopper, "account.confirm")
    page.get_by_role("button", name="Đúng, địa chỉ của tôi").click()
    expect(shopper.headline).to_have_text("Đơn của tôi")

    shopper.put_in_cart("phin-filter")
    page.goto("/checkout/")
    expect(page.locator("[name=email]")).to_have_value(shopper.email)
    shopper.fill_in()
    shopper.go_to_paypal()
    shopper.pay()
    expect(shopper.headline).to_have_text(_THANKS_VI)
    first = shopper.order_number
    assert first in shopper.mail("order.confirmed")["subject"]

    shopper.put_in_cart("thai-nguyen-tea")
    page.goto("/checkout/")
    for name, text in shopper.address.items():
        expect(page.locator(f"[name={name}]")).to_have_value(text)
    shopper.go_to_paypal()  # nothing to type
    shopper.pay()
    second = shopper.order_number
    expect(_rows(shopper).locator("a")).to_have_text([second, first])
    expect(_rows(shopper).first).to_contain_text("Đã trả")


def test_guest_orders_are_there_once_the_address_is_confirmed(
    shopper: Shopper, new_shopper: NewShopper
) -> None:
    number = _order_as_guest(shopper, "west-lake-lotus-tea")
    other = new_shopper()
    _order_as_guest(other, "phin-filter")
    sign_up(shopper)
    expect(_rows(shopper).locator("a")).to_have_text([number])
    sign_out(shopper)
    later = _order_as_guest(shopper, "phin-filter")
    sign_in(shopper)
    expect(_rows(shopper).locator("a")).to_have_text([later, number])


def test_order_is_found_again_by_its_number_and_address(
    shopper: Shopper, new_shopper: NewShopper
) -> None:
    number = _order_as_guest(shopper, "phin-filter")
    elsewhere = new_shopper()
    elsewhere.email = shopper.email
    elsewhere.page.goto("/orders/find/")
    send(elsewhere, number=number.lower(), email=shopper.email.upper())
    expect(elsewhere.headline).to_have_text("Look into your mailbox")
    follow(elsewhere, "order.link")
    assert elsewhere.order_number == number


def test_forgotten_password_is_chosen_anew(shopper: Shopper) -> None:
    sign_up(shopper)
    sign_out(shopper)
    sign_in(shopper, "not this one")
    expect(shopper.page.locator(".error-summary")).to_be_focused()
    shopper.page.get_by_role("link", name="Forgotten your password?").click()
    send(shopper, email=shopper.email)
    follow(shopper, "account.password_reset")
    send(shopper, password1="the fourth cat is white")
    expect(shopper.headline).to_have_text("My orders")
    shopper.mail("account.password_changed")
    sign_out(shopper)
    sign_in(shopper, "the fourth cat is white")
    expect(shopper.headline).to_have_text("My orders")


def test_address_of_the_account_is_changed_and_the_account_deleted(shopper: Shopper) -> None:
    sign_up(shopper)
    old, new = shopper.email, f"new.{shopper.email}"
    shopper.page.goto("/accounts/email/")
    send(shopper, email=new)
    expect(shopper.headline).to_have_text("Is it you?")
    send(shopper, password=PASSWORD)
    expect(shopper.page.locator("main")).to_contain_text(f"We have mailed a link to {new}")
    shopper.email = new
    follow(shopper, "account.change")
    send(shopper)
    shopper.page.goto("/accounts/email/")
    expect(shopper.page.locator("main strong")).to_have_text(new)
    shopper.email = old
    assert new in shopper.mail("account.email_changed")["text"]
    shopper.email = new
    shopper.page.goto("/accounts/delete/")
    shopper.page.get_by_role("button", name="Delete the account").click()
    expect(shopper.page.locator(".messages")).to_contain_text("Your account was deleted")
    shopper.mail("account.deleted")
    sign_in(shopper)
    expect(shopper.page.locator(".error-summary")).to_be_visible()


def test_language_switch_keeps_the_page(shopper: Shopper) -> None:
    for path in ("/accounts/login/?next=/checkout/", "/orders/find/", "/pages/terms/"):
        shopper.page.context.clear_cookies()
        shopper.page.goto(path)
        shopper.page.locator("button[value=vi]").click()
        expect(shopper.page.locator("html")).to_have_attribute("lang", "vi")
        assert shopper.page.url.endswith(path)


def test_account_needs_no_script(new_shopper: NewShopper) -> None:
    shopper = new_shopper(java_script_enabled=False)
    sign_up(shopper)
    expect(shopper.headline).to_have_text("My orders")
