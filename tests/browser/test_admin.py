"""Staff in the admin, on the running shop."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewShopper
from tests.browser.shopper import Shopper

# The admin's frame is django-unfold's; axe's own advice on landmarks is for its authors.
_WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_DESKTOP = {"width": 1280, "height": 900}


@pytest.fixture
def office(new_shopper: NewShopper) -> Page:
    """Return the admin's first page, signed in."""
    page = new_shopper(viewport=_DESKTOP).page
    page.goto("/admin/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill("admin")
    page.locator("form [type=submit]").click()
    expect(page).to_have_title("Gánh")
    return page


def test_staff_find_an_order_by_its_customer_and_read_its_story(
    shopper: Shopper, office: Page
) -> None:
    shopper.place_order("mekong-checked-scarf", quantity="2")
    shopper.pay()
    shopper.mail("order.confirmed")
    office.goto(f"/admin/orders/order/?q={shopper.email}")
    office.get_by_role("link", name=shopper.order_number).click()
    main = office.locator("#main")
    for text in (shopper.email, "12 Hàng Gai", "SCARF-RAN-", "order.confirmed"):
        expect(main.get_by_text(text).first).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_lists_of_the_shop_open_without_an_error(office: Page, width: int) -> None:
    office.set_viewport_size({"width": width, "height": 900})
    for path in ("orders/order", "shop/product", "inventory/stock", "notifications/emaildelivery"):
        office.goto(f"/admin/{path}/")
        expect(office.locator("#changelist")).to_be_visible()


def test_wrong_password_is_refused(new_shopper: NewShopper) -> None:
    page = new_shopper(viewport=_DESKTOP).page
    page.goto("/admin/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill("wrong")
    page.locator("form [type=submit]").click()
    expect(page.get_by_text("Please enter the correct username and password")).to_be_visible()


@pytest.mark.slow
def test_first_page_meets_wcag(office: Page) -> None:
    found = Axe().run(office, options={"runOnly": _WCAG}).response["violations"]
    assert [one["id"] for one in found] == []
