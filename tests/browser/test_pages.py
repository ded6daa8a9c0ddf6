"""Every page in every state: accessible, valid, fit for small screens, light over the wire."""

import re
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from devtools.environment import PROJECT
from tests.browser.account import sign_up
from tests.browser.conftest import Album, NewShopper
from tests.browser.html_rules import html_problems
from tests.browser.shopper import Shopper
from tests.browser.states import RARE, STATES

_WIDTHS = (390, 1280)
_RULES = {"rules": {"target-size": {"enabled": True}}}
_COLOURS = {"runOnly": ["color-contrast"]}  # what the dark scheme alone can break
_SCHEMES: dict[Literal["light", "dark"], dict[str, Any]] = {"light": _RULES, "dark": _COLOURS}
# What a finger must hit: 44 px either way. A checkbox is hit by its label.
_SMALL_TARGETS = """() => [...document.querySelectorAll(
    "button, select, input:not([type=hidden]), nav a, a.button, label:has(input)"
  )].filter(one => one.checkVisibility() && !one.matches("label input"))
    .map(one => one.type === "checkbox" ? one.labels[0] : one)
    .map(one => [one.getBoundingClientRect(), one])
    .filter(([box]) => box.height > 0 && (box.height < 43.5 || box.width < 43.5))
    .map(([box, one]) => `${one.outerHTML.slice(0, 80)}: ${box.width}x${box.height}`)"""
_OF_AN_ACCOUNT = (
    "/orders/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/reauthenticate/",
    "/accounts/delete/",
    "/accounts/logout/",
)
_OWN_LINK = re.compile(r'href="(/(?:products|pages|cart|orders|accounts)/[^"?#]*)')


def _violations(page: Page, options: dict[str, Any] = _RULES) -> list[str]:
    found = Axe().run(page, options=options).response["violations"]
    return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]


def _markup_problems(page: Page) -> list[str]:
    answer = page.request.get(page.url)
    if answer.status == 405:  # the answer to a form: this address alone shows nothing
        return []
    return html_problems(answer.text())


def _sideways(page: Page) -> int:
    """Return how far the page scrolls sideways."""
    width: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return width


def _look(shopper: Shopper, state: str, album: Album) -> None:
    """Look at the page at a phone's and a desktop's width, by day and by night."""
    page = shopper.page
    assert _markup_problems(page) == []
    for width in _WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        for scheme, rules in _SCHEMES.items():
            page.emulate_media(color_scheme=scheme)
            album(page, state, scheme)
            assert _violations(page, rules) == [], (width, scheme)
    page.set_viewport_size({"width": 320, "height": 640})
    assert _sideways(page) == 0
    assert page.evaluate(_SMALL_TARGETS) == []


@pytest.mark.parametrize(
    "state",
    [pytest.param(one, marks=[pytest.mark.slow] if one in RARE else []) for one in STATES],
)
def test_page_is_valid_accessible_in_every_light_and_fits_every_screen(
    shopper: Shopper, state: str, album: Album
) -> None:
    STATES[state](shopper)
    _look(shopper, state, album)


@pytest.mark.parametrize("width", [390, pytest.param(1280, marks=pytest.mark.slow)])
def test_every_page_of_an_account_is_accessible(shopper: Shopper, width: int) -> None:
    sign_up(shopper)
    shopper.page.set_viewport_size({"width": width, "height": 844})
    for path in _OF_AN_ACCOUNT:
        shopper.page.goto(path)
        assert _violations(shopper.page) == [], path


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
def test_vietnamese_page_is_valid_accessible_and_fits(
    new_shopper: NewShopper, state: str, album: Album
) -> None:
    shopper = new_shopper(locale="vi-VN")
    STATES[state](shopper)
    expect(shopper.page.locator("html")).to_have_attribute("lang", "vi")
    _look(shopper, state, album)


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 480, 768, 1024, 1280, 1920])
def test_no_width_scrolls_sideways(shopper: Shopper, width: int) -> None:
    shopper.page.set_viewport_size({"width": width, "height": 800})
    for state in ("home", "list", "product", "cart", "checkout", "order paid"):
        STATES[state](shopper)
        assert _sideways(shopper.page) == 0, state


@pytest.mark.slow
def test_every_product_and_page_is_valid_and_links_lead_somewhere(shopper: Shopper) -> None:
    seen, ahead, problems = set(), ["/"], []
    while ahead:
        path = ahead.pop()
        answer = shopper.page.request.get(path)
        problems += [f"{path}: {answer.status}"] if answer.status >= 400 else []
        problems += [f"{path}: {one}" for one in html_problems(answer.text())]
        seen.add(path)
        links = _OWN_LINK.findall(answer.text())
        ahead += sorted(set(links) - seen - set(ahead))
    assert len(seen) > 28
    assert problems == []


def test_all_scripts_together_are_small() -> None:
    scripts = list((PROJECT / "shop" / "static" / "shop").glob("*.js"))
    assert scripts
    assert sum(len(one.read_bytes()) for one in scripts if "admin" not in one.name) <= 6_000


def test_first_page_is_light(shopper: Shopper) -> None:
    wire = shopper.page.context.new_cdp_session(shopper.page)
    kinds: dict[str, str] = {}
    sizes: dict[str, float] = {}
    wire.on("Network.responseReceived", lambda one: kinds.update({one["requestId"]: one["type"]}))
    wire.on(
        "Network.loadingFinished",
        lambda one: sizes.update({one["requestId"]: one["encodedDataLength"]}),
    )
    wire.send("Network.enable")
    shopper.page.goto("/", wait_until="networkidle")
    assert len(sizes) > 5
    assert sum(sizes.values()) <= 60_000, sizes
    assert sum(size for one, size in sizes.items() if kinds[one] == "Script") <= 6_000


@pytest.mark.parametrize("state", ["product", "cart", "checkout", "order waiting"])
def test_the_one_main_button_is_in_reach_at_once(shopper: Shopper, state: str) -> None:
    STATES[state](shopper)
    expect(shopper.page.locator("main .bar .button")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("state", ["product", "checkout with errors", "order paid"])
def test_text_may_be_twice_as_large(new_shopper: NewShopper, state: str) -> None:
    shopper = new_shopper(viewport={"width": 640, "height": 900})
    STATES[state](shopper)
    shopper.page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert _sideways(shopper.page) == 0


def test_printed_order_is_a_receipt(shopper: Shopper) -> None:
    STATES["order paid"](shopper)
    shopper.page.emulate_media(media="print")
    expect(shopper.page.locator(".site-nav")).not_to_be_visible()
    expect(shopper.page.get_by_role("heading", name="What you ordered")).to_be_visible()
    expect(shopper.page.locator(".sum")).to_contain_text("$")
