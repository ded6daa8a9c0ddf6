"""Payments that end otherwise: declined, cancelled, left, too late."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.shopper import CANCEL, DECLINE, LEAVE, PAY, Shopper
from tests.running_stack import RunningStack

_DECLINED = "You were not charged. PayPal declined the payment."
_THANKS = "Thank you. Your order is paid."


def _available(shop: RunningStack, sku: str) -> int:
    return int(json.loads(shop.manage("show_stock", sku, "--json"))["available"])


def test_declined_payment_is_tried_again_with_another_source(shopper: Shopper) -> None:
    shopper.place_order("bamboo-steamer")
    shopper.at_paypal(DECLINE)
    expect(shopper.headline).to_have_text(_DECLINED)
    expect(shopper.page.get_by_text("Your items are still set aside for you.")).to_be_visible()
    expect(shopper.main_button).to_contain_text("Try again")
    shopper.go_to_paypal()
    shopper.pay()
    expect(shopper.headline).to_have_text(_THANKS)
    number = shopper.order_number
    invoices = [one["purchase_units"][0]["invoice_id"] for one in shopper.orders_at_paypal(number)]
    assert sorted(invoices) == [number, f"{number}-2"]
    assert [one["invoice_id"] for one in shopper.captures(number)] == [f"{number}-2"]


def test_two_declined_payments_are_mailed_once(shopper: Shopper) -> None:
    shopper.place_order("bamboo-steamer")
    shopper.at_paypal(DECLINE)
    shopper.go_to_paypal()
    shopper.at_paypal(DECLINE)
    expect(shopper.headline).to_have_text(_DECLINED)
    shopper.go_to_paypal()
    shopper.pay()
    failed = shopper.mail("order.payment_failed")
    assert "Nothing was charged." in failed["text"]
    assert shopper.page.url in failed["text"]
    shopper.mail("order.confirmed")
    assert shopper.mails().count("order.payment_failed") == 1


def test_order_cancelled_at_paypal_can_still_be_paid(shopper: Shopper) -> None:
    shopper.place_order("lacquer-box")
    shopper.at_paypal(CANCEL)
    message = "You came back from PayPal without paying. Nothing was charged."
    expect(shopper.page.get_by_text(message)).to_be_visible()
    expect(shopper.headline).to_have_text("Your order is waiting for its payment.")
    expect(shopper.main_button).to_contain_text("Pay now")
    shopper.go_to_paypal()
    shopper.pay()
    expect(shopper.headline).to_have_text(_THANKS)
    assert len(shopper.orders_at_paypal(shopper.order_number)) == 1


def test_cancelling_the_order_gives_its_stock_back_and_says_so_by_email(
    shopper: Shopper, shop: RunningStack
) -> None:
    before = _available(shop, "LACQUERBOX-BLACK")
    shopper.place_order("lacquer-box", sku="LACQUERBOX-BLACK", quantity="2")
    assert _available(shop, "LACQUERBOX-BLACK") == before - 2
    shopper.at_paypal(CANCEL)
    shopper.page.get_by_role("button", name="Cancel this order").click()
    expect(shopper.headline).to_have_text("You were not charged. You cancelled this order.")
    assert _available(shop, "LACQUERBOX-BLACK") == before
    mail = shopper.mail("order.payment_failed")
    assert "You cancelled order" in mail["text"]
    assert shopper.captures(shopper.order_number) == []


def test_payment_of_a_closed_tab_is_settled_and_mailed(shopper: Shopper) -> None:
    shopper.place_order("mai-chau-brocade-bag")
    shopper.at_paypal(LEAVE)
    expect(shopper.page.get_by_text("You may close this tab.")).to_be_visible()
    shopper.page.close()
    mail = shopper.mail("order.confirmed")
    number = mail["headers"]["X-Order-Number"]
    assert shopper.order(number)["order"]["status"] == "SUCCESS"
    assert len(shopper.captures(number)) == 1


@pytest.mark.slow
def test_payment_of_a_closed_tab_is_settled_without_webhooks(
    shopper: Shopper, shop: RunningStack
) -> None:
    shop.emulator.webhook_mode("drop")
    try:
        shopper.place_order("mai-chau-brocade-bag")
        shopper.at_paypal(LEAVE)
        assert shopper.mail("order.confirmed")
    finally:
        shop.emulator.webhook_mode("normal")


def test_open_order_page_shows_the_payment_made_elsewhere(shopper: Shopper) -> None:
    shopper.place_order("mai-chau-brocade-bag")
    shopper.at_paypal(CANCEL)
    waiting = shopper.page
    shopper.page = waiting.context.new_page()
    shopper.page.goto(waiting.url)
    shopper.go_to_paypal()
    shopper.at_paypal(LEAVE)
    expect(waiting.locator("h1")).to_have_text(_THANKS)
    expect(waiting.locator(".emails")).to_contain_text("Receipt")


def test_sold_out_while_typing_says_how_many_are_left(shopper: Shopper, shop: RunningStack) -> None:
    shopper.put_in_cart("eggshell-lacquer-tray", quantity="3")
    shopper.page.goto("/checkout/")
    shopper.fill_in(line1="7 Lý Quốc Sư")
    shop.manage("set_stock", "TRAY-EGGSHELL-40", "2")
    with shopper.page.expect_response("**/checkout/") as answer:
        shopper.main_button.click()
    assert answer.value.status == 409
    summary = shopper.page.locator(".error-summary")
    expect(summary).to_contain_text("you asked for 3, 2 left")
    expect(summary).to_be_focused()
    expect(shopper.page.locator("[name=line1]")).to_have_value("7 Lý Quốc Sư")
    shopper.page.get_by_role("button", name="Go on with what is left").click()
    shopper.go_to_paypal()
    shopper.pay()
    assert _available(shop, "TRAY-EGGSHELL-40") == 0


def test_sold_out_after_approval_first_says_that_nothing_was_charged(
    shopper: Shopper, shop: RunningStack
) -> None:
    shopper.place_order("hmong-indigo-cushion")
    shopper.at_paypal(CANCEL)
    kept = shopper.page.get_by_text("Your items are no longer set aside")
    expect(kept).to_be_visible(timeout=60_000)
    shop.manage("set_stock", "CUSHION-INDIGO-45", "0")
    shopper.go_to_paypal()
    shopper.at_paypal(PAY)
    expect(shopper.headline).to_have_text("You were not charged. Something you ordered sold out.")
    assert shopper.captures(shopper.order_number) == []
    assert shopper.order(shopper.order_number)["order"]["reason"] == "sold_out"


@pytest.mark.slow
def test_late_payment_wins_its_items_back_while_they_last(shopper: Shopper) -> None:
    shopper.place_order("dong-ho-folk-print")
    shopper.at_paypal(CANCEL)
    kept = shopper.page.get_by_text("Your items are no longer set aside")
    expect(kept).to_be_visible(timeout=60_000)
    shopper.go_to_paypal()
    shopper.pay()
    expect(shopper.headline).to_have_text(_THANKS)
