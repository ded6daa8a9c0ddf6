"""The pages that a payer and a merchant see."""

import html5lib
import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from devtools.paypal.client import Emulator
from tests.devtools.paypal_merchant import Merchant, order_body

# The way pytest-playwright's own base_url fixture is written.
in_browser = pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance")

CHOICES = ["pay", "decline", "leave", "cancel"]


def test_checkout_offers_four_ways_for_the_payment_to_end(merchant: Merchant) -> None:
    order_id = merchant.create().json()["id"]
    page = merchant.page(order_id)
    document = html5lib.parse(page.text, namespaceHTMLElements=False)
    forms = document.findall(".//form")
    assert [it.get("action") for it in forms] == [f"/checkoutnow/{it}" for it in CHOICES]
    fields = [form.find(".//input[@name='token']") for form in forms]
    assert [it.get("value") for it in fields if it is not None] == [order_id] * 4
    assert [it.text for it in document.findall(".//button")] == [
        "Pay",
        "Pay with a card that will be declined",
        "Approve, then close the tab",
        "Cancel and return to the shop",
    ]


def test_checkout_shows_items_and_total(merchant: Merchant) -> None:
    page = merchant.page(merchant.create().json()["id"]).text
    assert "Bát Tràng bowl" in page
    assert "42.00 USD" in page
    assert "no real money" in page


def test_checkout_speaks_the_language_of_the_order(merchant: Merchant) -> None:
    body = order_body()
    body["payment_source"]["paypal"]["experience_context"]["locale"] = "vi-VN"
    page = merchant.page(merchant.create(body).json()["id"]).text
    assert '<html lang="vi">' in page
    assert "Thanh toán bằng thẻ sẽ bị từ chối" in page


def test_hostile_names_stay_text(merchant: Merchant) -> None:
    amount = {"currency_code": "USD", "value": "1.00"}
    item = {"name": "<script>alert(1)</script>", "quantity": "1", "unit_amount": amount}
    whole = amount | {"breakdown": {"item_total": amount}}
    order_id = merchant.create(order_body(amount=whole, items=[item])).json()["id"]
    assert "<script>" not in merchant.page(order_id).text


@pytest.mark.parametrize("choice", ["pay", "decline"])
def test_approving_returns_to_the_shop(merchant: Merchant, choice: str) -> None:
    order_id = merchant.create().json()["id"]
    response = merchant.choose(order_id, choice)
    assert response.status_code == 303
    target = f"http://127.0.0.1:9/return?a=1&token={order_id}&PayerID=BUYER23456789"
    assert response.headers["Location"] == target
    assert merchant.get(order_id).json()["status"] == "APPROVED"


def test_cancelling_returns_and_changes_nothing(merchant: Merchant) -> None:
    order_id = merchant.create().json()["id"]
    response = merchant.choose(order_id, "cancel")
    assert response.headers["Location"] == f"http://127.0.0.1:9/cancel?token={order_id}"
    assert merchant.get(order_id).json()["status"] == "PAYER_ACTION_REQUIRED"


def test_leaving_approves_and_goes_nowhere(merchant: Merchant) -> None:
    order_id = merchant.create().json()["id"]
    response = merchant.choose(order_id, "leave")
    assert response.status_code == 200
    assert "You may close this tab." in response.text
    assert merchant.get(order_id).json()["status"] == "APPROVED"


def test_approving_twice_says_so(merchant: Merchant) -> None:
    order_id = merchant.approved()
    response = merchant.choose(order_id, "pay")
    assert response.status_code == 409
    assert "You have approved this payment already." in response.text


def test_paid_order_offers_no_more_choices(merchant: Merchant) -> None:
    order_id = merchant.approved()
    merchant.capture(order_id)
    assert "This payment is done." in merchant.page(order_id).text


def test_expired_order_says_so(merchant: Merchant, paypal: Emulator) -> None:
    order_id = merchant.create().json()["id"]
    paypal.advance(3 * 3600)
    assert "This payment has expired." in merchant.page(order_id).text
    assert merchant.choose(order_id, "pay").status_code == 409


@pytest.mark.parametrize("token", ["", "MADE-UP", "x" * 10_000])
def test_unknown_token_is_not_found(merchant: Merchant, token: str) -> None:
    assert merchant.page(token).status_code == 404
    assert merchant.choose(token, "pay").status_code == 404


def test_merchant_refunds_on_the_emulators_own_page(merchant: Merchant, paypal: Emulator) -> None:
    capture_id = merchant.captured()
    url = f"{paypal.base_url}/merchant/refund"
    page = requests.post(url, {"capture": capture_id, "amount": "2.00"}, timeout=10)
    assert "PARTIALLY_REFUNDED" in page.text
    refused = requests.post(url, {"capture": capture_id, "amount": "41.00"}, timeout=10)
    assert refused.status_code == 422
    assert "must be less than or equal to the capture amount" in refused.text


def test_merchant_ends_a_dispute_on_the_emulators_own_page(
    merchant: Merchant, paypal: Emulator
) -> None:
    form = {"capture": merchant.captured()}
    disputed = requests.post(f"{paypal.base_url}/merchant/dispute", form, timeout=10)
    assert "Decide for the buyer" in disputed.text
    decided = requests.post(f"{paypal.base_url}/merchant/buyer", form, timeout=10)
    assert "REFUNDED" in decided.text


@in_browser
def test_pages_are_accessible(merchant: Merchant, paypal: Emulator, page: Page) -> None:
    order_id = merchant.create().json()["id"]
    merchant.captured()
    for path in (f"/checkoutnow?token={order_id}", "/checkoutnow?token=unknown", "/"):
        page.goto(paypal.base_url + path)
        assert Axe().run(page).response["violations"] == []


@in_browser
def test_page_is_no_wider_than_a_phone(merchant: Merchant, paypal: Emulator, page: Page) -> None:
    order_id = merchant.create(order_body(invoice_id="G" * 127)).json()["id"]
    page.set_viewport_size({"width": 320, "height": 640})
    for path in (f"/checkoutnow?token={order_id}", "/"):
        page.goto(paypal.base_url + path)
        assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_merchants_page_says_how_to_begin(paypal: Emulator) -> None:
    page = requests.get(paypal.base_url, timeout=10)
    assert "Nobody has started a payment yet." in page.text
