"""One running stack for every browser test, and browsers that are watched while they shop."""

from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import Any, TypedDict, Unpack

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests import services
from tests.browser.shopper import Shopper
from tests.browser.visitor import Visitor
from tests.browser.watch import Watch
from tests.running_stack import RunningStack

_HERE = Path(__file__).parent
_SIZES = "[innerWidth, innerHeight, document.documentElement.scrollHeight]"
_PHONE = {"width": 390, "height": 844}
_DESKTOP = {"width": 1280, "height": 900}
_HIRE = """
from django.contrib.auth.models import Group, User
user, _ = User.objects.get_or_create(username="{name}", defaults={{"is_staff": True}})
user.email = "{name}@example.com"
user.set_password("{password}")
user.save()
user.groups.set([Group.objects.get(name="{role}")])
"""
DESK_PASSWORD = "at-the-desk-7"


class Habits(TypedDict, total=False):
    """What sets one shopper's browser apart."""

    java_script_enabled: bool
    locale: str
    viewport: dict[str, int]


NewShopper = Callable[..., Shopper]
Album = Callable[[Page, str, str], None]
Desk = Callable[..., Page]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--album", help="a folder for a screenshot of every page in every state")


@pytest.fixture
def album(request: pytest.FixtureRequest) -> Album:
    """Return a function that keeps a page's picture, where --album asks for it."""
    folder = request.config.getoption("album", default=None)

    def keep(page: Page, state: str, scheme: str) -> None:
        if folder:
            language = page.locator("html").get_attribute("lang")
            width, height, whole = page.evaluate(_SIZES)
            name = f"{state}.{language}.{scheme}.{width}.png".replace(" ", "-")
            page.set_viewport_size({"width": width, "height": whole})  # the bar at its end
            page.screenshot(path=Path(folder) / name)
            page.set_viewport_size({"width": width, "height": height})

    return keep


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests on one xdist worker, beside one stack."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))
            item.add_marker(
                # The way pytest-playwright's own base_url fixture is written.
                pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance")
            )


@pytest.fixture(scope="package")
def shop(real_kafka: None) -> Generator[RunningStack]:
    """Run a stack whose orders are held for 15 seconds only; its clock looks every second.

    It ends where these tests do, so as not to keep the machine busy for nobody.
    """
    expect.set_options(timeout=20_000)
    stack = RunningStack(
        services.new_folder(), ORDER_HOLD_MINUTES="0.25", CLOCK_SECONDS="1", RATE_LIMITS="off"
    )
    try:
        stack.wait_ready()
        yield stack
    finally:
        left = stack.stop()
    assert left == []


@pytest.fixture
def open_browser(browser: Browser, shop: RunningStack) -> Generator[Callable[..., BrowserContext]]:
    """Return a function that opens a browser; at the end nothing may have gone wrong in any.

    They ask for no motion, so that no look is judged halfway through a transition.
    """
    watch = Watch()
    contexts = []

    def open_one(**habits: Any) -> BrowserContext:
        defaults = {"base_url": shop.url, "viewport": _PHONE, "locale": "en-GB"}
        defaults["reduced_motion"] = "reduce"
        context = browser.new_context(**(defaults | habits))
        contexts.append(context)
        watch.follow(context)
        return context

    yield open_one
    for context in contexts:
        context.close()
    assert watch.troubles == []


@pytest.fixture
def new_shopper(open_browser: Callable[..., BrowserContext], shop: RunningStack) -> NewShopper:
    """Return a function that lets one more person come to the shop."""

    def come(**habits: Unpack[Habits]) -> Shopper:
        return Shopper(open_browser(**habits).new_page(), shop)

    return come


@pytest.fixture
def shopper(new_shopper: NewShopper) -> Shopper:
    """Return a person with a phone."""
    return new_shopper()


def sign_in_at_the_desk(page: Page, name: str) -> None:
    """Type name and password at the admin's door."""
    page.goto("/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(DESK_PASSWORD)
    page.locator("form [type=submit]").click()


@pytest.fixture
def desk(new_shopper: NewShopper, shop: RunningStack) -> Desk:
    """Return what opens the admin for a member of the staff with one role."""

    def sign_in(role: str, name: str = "") -> Page:
        person = name or role
        hire = _HIRE.format(role=role, name=person, password=DESK_PASSWORD)
        shop.manage("shell", "-c", hire)
        page = new_shopper(viewport=_DESKTOP).page
        sign_in_at_the_desk(page, person)
        expect(page).to_have_title("Gánh")
        return page

    return sign_in


@pytest.fixture
def visitor(shop: RunningStack) -> Generator[Visitor]:
    """Return a visitor who sends what no browser would."""
    with closing(Visitor(shop.url)) as visitor:
        yield visitor
