"""A day's work at the desk, of each role: signed in as themselves, in a browser."""

import io

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk
from tests.browser.shopper import Shopper


def find(page: Page, shopper: Shopper) -> None:
    """Find the shopper's order by their address, and open it."""
    page.goto(f"/admin/orders/order/?q={shopper.email}")
    page.get_by_role("link", name=shopper.order_number).click()


def act(page: Page, label: str, **typed: str) -> None:
    """Choose an action on the order's page, fill its form in and send it."""
    page.locator(".order-actions").get_by_role("link", name=label, exact=True).click()
    for name, value in typed.items():
        page.locator(f"[name={name}]").fill(value)
    page.get_by_role("button", name=label, exact=True).click()


def test_fulfilment_ships_corrects_and_writes_down(shopper: Shopper, desk: Desk) -> None:
    shopper.place_order("mekong-checked-scarf", quantity="2")
    shopper.pay()
    page = desk("fulfilment")
    find(page, shopper)
    expect(page.get_by_role("link", name="Refund", exact=True)).to_have_count(0)
    act(page, "Add note", note="Ring twice.")
    act(page, "Ship", carrier="VNPost", tracking_number="EE123456789VN")
    expect(page.get_by_text("Done: Ship.")).to_be_visible()
    shopper.mail("order.shipped")
    act(page, "Undo ship")
    act(page, "Ship", carrier="VNPost", tracking_number="EE987654321VN")
    act(page, "Mark as delivered")
    main = page.locator("#main")
    for text in ("Ring twice.", "SHIPPED → SUCCESS", "SHIPPED → DELIVERED", "by fulfilment"):
        expect(main.get_by_text(text).first).to_be_visible()


def test_finance_refunds_a_part_and_cancels_what_the_customer_wishes_to(
    shopper: Shopper, desk: Desk
) -> None:
    shopper.place_order("mekong-checked-scarf")
    shopper.pay()
    shopper.page.get_by_role("button", name="Ask us to cancel this order").click()
    expect(shopper.page.get_by_text("You asked to cancel this order.")).to_be_visible()
    page = desk("finance")
    page.goto("/admin/orders/order/?needs=wish")
    page.get_by_role("link", name=shopper.order_number).click()
    expect(page.get_by_role("link", name="Ship", exact=True)).to_have_count(0)
    act(page, "Refund", amount="1.00")
    expect(page.get_by_text("Done: Refund.")).to_be_visible()
    act(page, "Cancel", reason="As you wished.")
    expect(page.get_by_text("Done: Cancel.")).to_be_visible()
    shopper.mail("order.cancelled")
    assert shopper.order(shopper.order_number)["payment"]["status"] == "REFUNDED"
    page.reload()
    act(page, "Resend email")
    page.get_by_role("link", name="order.cancelled").first.click()
    expect(page.frame_locator("iframe").get_by_text("As you wished.").first).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_the_order_page_fits(shopper: Shopper, desk: Desk, width: int, scheme: str) -> None:
    shopper.place_order("mekong-checked-scarf")
    shopper.pay()
    page = desk("owner")
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 900})
    for path in ("orders/order/", f"orders/order/?q={shopper.order_number}"):
        page.goto(f"/admin/{path}")
    page.get_by_role("link", name=shopper.order_number).click()
    expect(page.locator(".order-actions")).to_be_visible()
    overflow = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow <= 0


def test_the_catalogue_shows_a_picture_sets_a_price_and_fills_the_shelf(
    shopper: Shopper, desk: Desk
) -> None:
    page = desk("catalogue")
    expect(page.get_by_role("link", name="Orders", exact=True)).to_have_count(0)
    page.goto("/admin/shop/product/?q=lacquer-box")
    page.locator("#result_list a").filter(has_text="acquer").first.click()
    page.get_by_text("Add another Product picture").click()
    page.locator("[name=pictures-0-file]").set_input_files(
        {"name": "box.png", "mimeType": "image/png", "buffer": _picture()}
    )
    page.locator("[name=pictures-0-alt_en]").fill("A red box")
    page.locator("[name=variants-0-price]").fill("33.00")
    sku = page.locator("[name=variants-0-sku]").input_value()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully").first).to_be_visible()
    page.goto(f"/admin/inventory/stock/{sku}/change/")
    page.locator("[name=received]").fill("7")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully").first).to_be_visible()
    shopper.page.goto("/products/lacquer-box/")
    expect(shopper.page.get_by_alt_text("A red box")).to_be_visible()
    expect(shopper.page.get_by_text("$33.00").first).to_be_visible()


def test_the_viewer_sees_all_and_changes_nothing(shopper: Shopper, desk: Desk) -> None:
    shopper.place_order("mekong-checked-scarf")
    shopper.pay()
    page = desk("viewer")
    expect(page.get_by_role("heading", name="Today")).to_be_visible()
    find(page, shopper)
    expect(page.locator("#main").get_by_text(shopper.email).first).to_be_visible()
    expect(page.locator(".order-actions")).to_have_count(0)


def test_the_owner_reads_who_did_what(shopper: Shopper, desk: Desk) -> None:
    shopper.place_order("mekong-checked-scarf")
    shopper.pay()
    page = desk("owner")
    find(page, shopper)
    act(page, "Ship", carrier="VNPost", tracking_number="EE111222333VN")
    expect(page.get_by_text("Done: Ship.")).to_be_visible()
    page.goto("/admin/admin/logentry/?q=owner")
    expect(page.get_by_text("Ship: VNPost EE111222333VN").first).to_be_visible()
    page.goto("/admin/shop/intakereport/")
    expect(page.get_by_text("The intake of each web process, now")).to_be_visible()


def _picture() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (640, 480), "firebrick").save(written, "PNG")
    return written.getvalue()
