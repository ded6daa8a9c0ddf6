"""What a shopper does with an account, by the links of its emails."""

import re

from playwright.sync_api import expect

from tests.browser.shopper import Shopper

PASSWORD = "ba con meo den"
_LINK = re.compile(r"http://\S+/(?:accounts|orders)/\S+")


def send(shopper: Shopper, **fields: str) -> None:
    """Fill in the page's one form and send it."""
    for name, text in fields.items():
        shopper.page.locator(f"main [name={name}]").fill(text)
    shopper.page.locator("main form.fields .button").click()


def follow(shopper: Shopper, kind: str) -> None:
    """Wait for that email and open the link it is about."""
    found = _LINK.search(shopper.mail(kind)["text"])
    assert found
    shopper.page.goto(found[0])


def ask_to_sign_up(shopper: Shopper) -> None:
    shopper.page.goto("/accounts/signup/")
    send(shopper, email=shopper.email, password1=PASSWORD)
    expect(shopper.page).to_have_url(re.compile("/accounts/confirm-email/$"))


def sign_up(shopper: Shopper) -> None:
    """Sign up, confirm the address, and come to the orders."""
    ask_to_sign_up(shopper)
    follow(shopper, "account.confirm")
    send(shopper)
    expect(shopper.page).to_have_url(re.compile("/orders/$"))


def sign_in(shopper: Shopper, password: str = PASSWORD) -> None:
    shopper.page.goto("/accounts/login/")
    send(shopper, login=shopper.email, password=password)


def sign_out(shopper: Shopper) -> None:
    shopper.page.goto("/accounts/logout/")
    send(shopper)
