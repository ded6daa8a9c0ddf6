"""What a page spares its reader: parts that jump, motion, a focus nobody sees, a broken label."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewShopper
from tests.browser.shopper import Shopper
from tests.browser.states import STATES

_SHIFTS = """() => new Promise((tell) => {
    new PerformanceObserver((seen) => tell(seen.getEntries().map((one) => one.value)))
      .observe({type: "layout-shift", buffered: true});
    requestAnimationFrame(() => setTimeout(() => tell([])));
})"""
_MOVING = """() => [...document.querySelectorAll("*")].filter((one) =>
    ["", "::before", "::after"].some((part) => {
      const {transitionDuration, animationName} = getComputedStyle(one, part);
      return animationName !== "none" || transitionDuration.split(", ").some((s) => s !== "0s");
    })).map((one) => one.outerHTML.slice(0, 80))"""
# The ring may be the element's own, its label's, or that of the card it stands for.
_FOCUS = """() => {
    const one = document.activeElement, ring = (...of) => getComputedStyle(...of).outlineStyle;
    const rings = [ring(one), ring(one, "::after"), ring(one.nextElementSibling ?? one)];
    const place = [...document.querySelectorAll("*")].indexOf(one);
    const name = `${one.tagName} ${place} ${one.outerHTML.slice(0, 80)}`;
    return [name, rings.some((style) => style !== "none")];
}"""


@pytest.mark.parametrize("state", ["home", "list", "product", "cart short", "order paid"])
@pytest.mark.parametrize("width", [390, pytest.param(1280, marks=pytest.mark.slow)])
def test_nothing_jumps_while_a_page_comes(shopper: Shopper, state: str, width: int) -> None:
    shopper.page.set_viewport_size({"width": width, "height": 844})
    STATES[state](shopper)
    shopper.page.reload(wait_until="networkidle")
    assert shopper.page.evaluate(_SHIFTS) == []


def test_nothing_moves_for_whom_motion_disturbs(shopper: Shopper) -> None:
    page = shopper.page
    page.goto("/products/")
    assert page.evaluate(_MOVING) == []
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(_MOVING) != []


def _stops(page: Page) -> dict[str, bool]:
    """Go through the page by Tab; return what had the focus, and whether one could see it."""
    seen: dict[str, bool] = {}
    while True:
        page.keyboard.press("Tab")
        name, is_seen = page.evaluate(_FOCUS)
        if name in seen or name.startswith("BODY"):
            return seen
        seen[name] = is_seen


@pytest.mark.parametrize("state", ["product", "cart", "checkout", "order waiting"])
def test_focus_is_seen_wherever_it_is(shopper: Shopper, state: str) -> None:
    STATES[state](shopper)
    stops = _stops(shopper.page)
    assert any(name.startswith("BUTTON") for name in stops)
    assert len(stops) > 15
    assert [name for name, is_seen in stops.items() if not is_seen] == []


@pytest.mark.parametrize("locale", [pytest.param("en-GB", marks=pytest.mark.slow), "vi-VN"])
@pytest.mark.parametrize("state", ["product", "cart", "checkout", "order waiting"])
def test_main_button_says_it_in_one_line(new_shopper: NewShopper, state: str, locale: str) -> None:
    shopper = new_shopper(locale=locale, viewport={"width": 360, "height": 740})
    STATES[state](shopper)
    button = shopper.page.locator("main .bar .button")
    expect(button).to_have_css("line-height", "27.2px")
    assert button.evaluate("one => one.clientHeight") < 2 * 27.2 + 16  # two lines and the padding
