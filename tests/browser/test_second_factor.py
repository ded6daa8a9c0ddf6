"""Staff with a second factor: an app's code opens the admin, and nothing else does."""

import time

from allauth.mfa.totp.internal.auth import hotp_value
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk, sign_in_at_the_desk
from tests.running_stack import RunningStack

_PERIOD, _SPARE = 30, 8  # seconds: of a code, and what is left of it at least when it is typed
_TITLE = "Gánh"


class App:
    """An authenticator on somebody's phone; like a person it waits for a code that is not used."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._last = 0

    def code(self) -> str:
        while True:
            counter, passed = divmod(time.time(), _PERIOD)
            if counter > self._last and passed < _PERIOD - _SPARE:
                self._last = int(counter)
                return f"{hotp_value(self._secret, self._last):06}"
            time.sleep(0.2)


def send(page: Page, **fields: str) -> None:
    for name, text in fields.items():
        page.locator(f"main [name={name}]").fill(text)
    page.locator("main form.fields .button").first.click()


def set_up(page: Page) -> tuple[App, list[str]]:
    """Turn two-factor sign-in on; return the app that has the secret, and the recovery codes."""
    page.goto("/accounts/2fa/")
    page.get_by_role("link", name="Set it up").click()
    send(page, password="at-the-desk-7")
    expect(page.get_by_alt_text("The secret as a QR code")).to_be_visible()
    app = App(page.locator("main p > code").inner_text())
    send(page, code=app.code())
    codes = page.locator(".recovery-codes li")
    expect(codes).to_have_count(10)
    return app, codes.all_inner_texts()


def sign_out(page: Page) -> None:
    page.goto("/accounts/logout/")
    send(page)


def test_who_set_one_up_signs_in_with_it(desk: Desk, shop: RunningStack) -> None:
    page = desk("fulfilment", "hoa")
    app, _codes = set_up(page)
    told = shop.mailbox.wait_for(
        lambda one: one["headers"].get("X-Event-Type") == "account.factor_added", timeout=60
    )
    assert told["to"] == ["hoa@example.com"]
    sign_out(page)
    sign_in_at_the_desk(page, "hoa")
    expect(page.get_by_role("heading", name="Your second factor")).to_be_visible()
    send(page, code=app.code())
    expect(page).to_have_title(_TITLE)
    page.goto("/admin/orders/order/")
    expect(page.locator("#changelist")).to_be_visible()


def test_a_wrong_code_leaves_the_door_shut_and_a_kept_one_opens_it(desk: Desk) -> None:
    page = desk("finance", "tuan")
    _app, codes = set_up(page)
    sign_out(page)
    sign_in_at_the_desk(page, "tuan")
    for wrong in ("000000", "not a code"):
        send(page, code=wrong)
        expect(page.get_by_text("This code is not right").first).to_be_visible()
    page.goto("/admin/orders/order/")
    expect(page.get_by_role("heading", name="Your second factor")).to_be_visible()
    expect(page.locator("#changelist")).to_have_count(0)
    send(page, code=codes[0])
    expect(page.locator("#changelist")).to_be_visible()
