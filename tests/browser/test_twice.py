"""One wish makes one order, however often and wherever it is sent."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewShopper
from tests.browser.shopper import CANCEL, Shopper
from tests.running_stack import RunningStack

_COUNT = "from orders.models import Order; print(Order.objects.filter(email={!r}).count())"


def _orders_of(shopper: Shopper, shop: RunningStack) -> int:
    return int(shop.manage("shell", "-v", "0", "-c", _COUNT.format(shopper.email)))


@pytest.mark.parametrize("has_javascript", [True, False])
def test_double_click_makes_one_order(
    new_shopper: NewShopper, shop: RunningStack, has_javascript: bool
) -> None:
    shopper = new_shopper(java_script_enabled=has_javascript)
    shopper.put_in_cart("mid-autumn-star-lantern")
    shopper.page.goto("/checkout/")
    shopper.fill_in()
    shopper.main_button.dblclick()
    shopper.pay()
    assert _orders_of(shopper, shop) == 1
    assert len(shopper.orders_at_paypal(shopper.order_number)) == 1


def test_going_back_and_ordering_again_is_paid_once(shopper: Shopper) -> None:
    shopper.place_order("quang-phu-cau-incense")
    shopper.page.go_back()
    expect(shopper.page.locator("[name=city]")).to_have_value("Hà Nội")
    shopper.go_to_paypal()
    shopper.pay()
    expect(shopper.headline).to_have_text("Thank you. Your order is paid.")
    assert len(shopper.captures(shopper.order_number)) == 1


def test_going_back_from_the_receipt_orders_nothing_again(shopper: Shopper) -> None:
    shopper.place_order("quang-phu-cau-incense")
    shopper.pay()
    shopper.page.goto("/checkout/")
    expect(shopper.page.get_by_text("Your cart is empty.").first).to_be_visible()


def test_second_tab_replaces_the_first_ones_order(shopper: Shopper) -> None:
    shopper.put_in_cart("hue-poem-hat")
    tabs = [shopper.page, shopper.page.context.new_page()]
    for shopper.page in tabs:
        shopper.page.goto("/checkout/")
        shopper.fill_in()
    numbers = []
    for shopper.page in tabs:
        shopper.go_to_paypal()
        shopper.at_paypal(CANCEL)
        numbers.append(shopper.order_number)
    tabs[0].reload()
    expect(tabs[0].locator("h1")).to_contain_text("A newer order took this one's place")
    shopper.go_to_paypal()
    shopper.pay()
    assert [len(shopper.captures(number)) for number in numbers] == [0, 1]


def test_approving_the_replaced_order_takes_no_money(shopper: Shopper) -> None:
    shopper.put_in_cart("hue-poem-hat")
    tabs = [shopper.page, shopper.page.context.new_page()]
    for shopper.page in tabs:
        shopper.page.goto("/checkout/")
        shopper.fill_in()
        shopper.go_to_paypal()
    shopper.page = tabs[0]
    shopper.pay()
    expect(shopper.headline).to_contain_text("You were not charged")
    assert shopper.captures(shopper.order_number) == []


def test_reloading_paypals_way_back_changes_nothing(shopper: Shopper) -> None:
    shopper.place_order("hue-poem-hat")
    token = shopper.page.url.partition("token=")[2]
    shopper.pay()
    shopper.page.goto(f"/payments/paypal/return/?token={token}&PayerID=X")
    expect(shopper.headline).to_have_text("Thank you. Your order is paid.")
    assert len(shopper.captures(shopper.order_number)) == 1
