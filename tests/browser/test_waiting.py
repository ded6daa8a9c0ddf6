"""A placement that takes long: the customer waits in line, and is led on by itself."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewShopper
from tests.browser.error_states import answered_with
from tests.running_stack import RunningStack


@pytest.mark.parametrize("has_javascript", [True, False])
def test_line_leads_on_to_paypal_by_itself(
    new_shopper: NewShopper, shop: RunningStack, has_javascript: bool
) -> None:
    shopper = new_shopper(java_script_enabled=has_javascript)
    shopper.put_in_cart("west-lake-lotus-tea")
    shopper.page.goto("/checkout/")
    shopper.fill_in()
    with shop.stock_locked("TEA-LOTUS-50"):
        shopper.main_button.click()
        expect(shopper.headline).to_have_text("Your order is in line")
    shopper.page.wait_for_url(re.compile("/checkoutnow"))
    shopper.pay()
    expect(shopper.headline).to_have_text("Thank you. Your order is paid.")


@pytest.mark.parametrize("has_javascript", [True, False])
def test_page_of_overload_tries_again_by_itself(
    new_shopper: NewShopper, has_javascript: bool
) -> None:
    shopper = new_shopper(java_script_enabled=has_javascript)
    answered_with("overloaded(request, retry_after=1, form=request.GET)")(shopper)
    shopper.page.wait_for_url(re.compile(r"/checkout/[0-9a-f-]{36}/$"))


def test_closed_tab_comes_back_to_the_line(new_shopper: NewShopper, shop: RunningStack) -> None:
    shopper = new_shopper()
    shopper.put_in_cart("west-lake-lotus-tea")
    shopper.page.goto("/checkout/")
    shopper.fill_in()
    with shop.stock_locked("TEA-LOTUS-50"):
        shopper.main_button.click()
        expect(shopper.headline).to_have_text("Your order is in line")
        line = shopper.page.url
        shopper.page.close()
    shopper.page = shopper.page.context.new_page()
    shopper.page.goto(line)
    shopper.page.wait_for_url(re.compile("/checkoutnow"))
