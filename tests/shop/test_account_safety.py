"""Nobody learns who has an account, gets into another's session, or sends a form without end."""

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from devtools.environment import PROJECT
from notifications.models import DeliveryStatus
from shop.middleware import LIMITS
from shop.models import AttemptCount
from shop.rate_limits import forget_attempts, network_of
from tests.factories import placed_order
from tests.shop.pages import text_of
from tests.shop.people import (
    EMAIL,
    PASSWORD,
    account,
    link_in,
    sign_in,
    sign_up,
    waiting_emails,
)

pytestmark = pytest.mark.django_db

NOBODY = "nobody@example.com"
_CHANGING = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')


@pytest.fixture
def limits(settings: Settings) -> None:
    """Let limits hold, as in a real shop; the tests' own do not."""
    settings.RATE_LIMITS = True
    settings.AXES_ENABLED = True


def find(client: Client, number: str, email: str = EMAIL) -> Any:
    return client.post("/orders/find/", {"number": number, "email": email})


def reset(client: Client, email: str = EMAIL) -> Any:
    return client.post("/accounts/password/reset/", {"email": email})


def seen(client: Client, answer: Any, address: str) -> Any:
    """Return all that a browser sees of an answer and the page it leads to, the address aside."""
    page = client.get(answer.url) if answer.status_code in {302, 303} else answer
    names = sorted(answer.cookies)
    content = _CHANGING.sub("", page.content.decode()).replace(address, "…")
    headers = {**page.headers, "Content-Length": "…", "Expires": "…"}
    return answer.status_code, answer.get("Location"), names, headers, content


# --- Who has an account


@pytest.mark.parametrize(
    "act",
    [sign_up, reset, lambda client, email: sign_in(client, email, "wrong")],
    ids=["sign up", "forgotten password", "sign in"],
)
def test_page_answers_alike_whether_the_address_has_an_account(
    act: Callable[[Client, str], Any],
) -> None:
    account()
    answers = []
    for email in (EMAIL, NOBODY):
        visitor = Client()
        answers.append(seen(visitor, act(visitor, email), email))
    assert answers[0] == answers[1]
    assert User.objects.filter(email=EMAIL).count() == 1


def test_only_the_address_learns_which_it_was(client: Client) -> None:
    account()
    for act in (sign_up, reset):
        act(Client())
        act(Client(), "new@example.com" if act is sign_up else NOBODY)
    kinds = [(email.event_type, email.email) for email in waiting_emails()]
    assert kinds == [
        ("account.exists", EMAIL),
        ("account.confirm", "new@example.com"),
        ("account.password_reset", EMAIL),
        ("account.unknown", NOBODY),
    ]


@pytest.mark.parametrize(
    "act",
    [sign_up, lambda client, email: sign_in(client, email, "wrong")],
    ids=["sign up", "sign in"],
)
def test_password_is_hashed_as_often_whether_there_is_an_account(
    act: Callable[[Client, str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    account()
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    counts = []
    for email in (EMAIL, NOBODY):
        hashed.clear()
        act(Client(), email)
        counts.append(len(hashed))
    assert counts == [1, 1]


def test_address_of_another_account_is_taken_as_any_other(client: Client) -> None:
    account()
    account("mai@example.com")
    answers = []
    for wanted in ("mai@example.com", NOBODY):
        visitor = Client()
        sign_in(visitor)
        visitor.post("/accounts/reauthenticate/", {"password": PASSWORD})
        answer = visitor.post("/accounts/email/", {"email": wanted, "action_add": ""})
        answers.append(seen(visitor, answer, wanted))
        visitor.post("/accounts/email/", {"email": wanted, "action_remove": ""})
    assert answers[0] == answers[1]


# --- Who has an order


def test_link_to_an_order_goes_to_its_address_alone(client: Client) -> None:
    order = placed_order()
    typed = f" #{order.number[:4].lower()} {order.number[4:]}"
    find(client, typed, "LAN@example.com")
    (email,) = waiting_emails()
    assert (email.event_type, email.email) == ("order.link", EMAIL)
    assert link_in(email) == order.get_absolute_url()


def test_finding_answers_and_works_alike_whether_there_is_an_order(client: Client) -> None:
    order = placed_order()
    wanted = [(order.number, EMAIL), (order.number, NOBODY), ("G234567892", EMAIL)]
    find(Client(), *wanted[0])  # what is read once is read
    answers, statements = [], []
    for number, email in wanted:
        visitor = Client()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = find(visitor, number, email)
        statements.append([one["sql"].partition("VALUES")[0][:40] for one in queries])
        answers.append(seen(visitor, answer, email))
    assert answers[0] == answers[1] == answers[2]
    assert statements[0] == statements[1] == statements[2]
    assert "If there is an order" in answers[0][-1]
    states = [email.status for email in waiting_emails()][1:]
    assert states == [DeliveryStatus.CLAIMED, DeliveryStatus.SKIPPED, DeliveryStatus.SKIPPED]


def test_forgotten_order_is_found_by_nobody(client: Client) -> None:
    order = placed_order()
    type(order).objects.update(email="")
    assert find(client, order.number, "").status_code == 422
    assert waiting_emails() == []


@pytest.mark.parametrize(("number", "email"), [("", EMAIL), ("G234567892", "lan@"), ("\0", EMAIL)])
def test_finding_says_what_is_missing(client: Client, number: str, email: str) -> None:
    assert find(client, number, email).status_code == 422


# --- Sessions and ways back


def test_session_of_before_is_not_the_session_of_after(client: Client) -> None:
    account()
    client.get("/accounts/password/reset/key/1-x/")
    sign_up(client, NOBODY)  # a guest's session: the stage of signing up is kept in it
    before = client.cookies["session"].value
    sign_in(client)
    assert client.cookies["session"].value != before
    thief = Client()
    thief.cookies["session"] = before
    assert thief.get("/orders/").status_code == 302


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "https:evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http://testserver@evil.example/",
        "\thttps://evil.example/",
    ],
)
def test_nothing_leads_away_from_the_shop(client: Client, elsewhere: str) -> None:
    account()
    assert sign_in(client, next=elsewhere).url == "/orders/"
    switched: Any = client.post("/i18n/setlang/", {"language": "vi", "next": elsewhere})
    assert switched.url == "/"
    left: Any = client.post("/accounts/logout/", {"next": elsewhere})
    assert left.url == "/"


def test_way_back_within_the_shop_is_kept(client: Client) -> None:
    account()
    assert sign_in(client, next="/checkout/").url == "/checkout/"


FORMS = [
    "accounts/login", "accounts/signup", "accounts/logout", "accounts/email", "accounts/delete",
    "accounts/password/reset", "accounts/password/change", "accounts/reauthenticate",
    "accounts/confirm-email/x", "orders/find", "cart/add", "cart/update", "checkout",
]  # fmt: skip


@pytest.mark.parametrize("path", FORMS)
def test_every_form_needs_its_token(path: str) -> None:
    account()
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get(), "django.contrib.auth.backends.ModelBackend")
    answer = client.post(f"/{path}/", {"email": EMAIL, "login": EMAIL, "password": PASSWORD})
    assert answer.status_code == 403
    assert "once more" in text_of(answer)


def test_link_of_a_new_password_stands_in_no_address_that_a_page_is_left_from(
    client: Client,
) -> None:
    account()
    reset(client)
    path = link_in(waiting_emails()[0])
    page = client.get(path, follow=True)
    assert page.redirect_chain[-1][0].endswith("-set-password/")
    assert page.headers["Referrer-Policy"] == "same-origin"


def test_forged_or_foreign_confirmation_confirms_nothing(client: Client) -> None:
    user = account(confirmed=False)
    address = user.emailaddress_set.get()  # type: ignore[attr-defined]
    for key in (signing.dumps(address.pk, salt="other"), f"{address.pk}:1:x", "x"):
        assert client.post(f"/accounts/confirm-email/{key}/").status_code == 404
    address.refresh_from_db()
    assert not address.verified


# --- Too often

limited = pytest.mark.usefixtures("limits")


@limited
def test_five_wrong_passwords_lock_the_name_for_this_network_known_or_not() -> None:
    account()
    pages = []
    for email in (EMAIL, NOBODY):
        visitor = Client()
        answers = [sign_in(visitor, email, "wrong") for _ in range(5)]
        assert [one.status_code for one in answers] == [200] * 4 + [429]
        pages.append(text_of(answers[-1]))
    assert pages[0] == pages[1]
    assert "Wait 15 minutes" in pages[0]
    assert sign_in(Client()).status_code == 429  # the right one, too
    assert sign_in(Client(REMOTE_ADDR="203.0.113.7")).status_code == 302


@limited
def test_others_of_the_same_network_are_not_locked() -> None:
    account()
    account("mai@example.com")
    for _ in range(6):
        sign_in(Client(), password="wrong")
    assert sign_in(Client(), "mai@example.com").status_code == 302
    assert {one.username for one in AccessAttempt.objects.all()} == {EMAIL}


@limited
@pytest.mark.parametrize("act", [reset, lambda client: find(client, "G234567892")])
def test_sixth_time_for_one_address_is_refused_from_wherever_it_comes(
    act: Callable[[Client], Any],
) -> None:
    account()
    answers = [act(Client(REMOTE_ADDR=f"203.0.113.{n}")) for n in range(6)]
    assert [one.status_code == 429 for one in answers] == [False] * 5 + [True]
    assert 3500 < int(answers[-1]["Retry-After"]) <= 3600
    assert "too many times" in text_of(answers[-1])
    assert len(waiting_emails()) == 5


@limited
def test_many_addresses_from_one_network_are_refused() -> None:
    answers = [sign_up(Client(), f"{n}@example.com").status_code for n in range(21)]
    assert answers == [302] * 20 + [429]


def test_limits_can_be_switched_off(settings: Settings) -> None:
    assert (settings.RATE_LIMITS, settings.AXES_ENABLED) == (False, False)
    account()
    assert {reset(Client()).status_code for _ in range(25)} == {302}
    assert {sign_in(Client(), password="wrong").status_code for _ in range(8)} == {200}
    assert not AttemptCount.objects.exists()


@limited
def test_looking_at_a_page_is_never_refused(client: Client) -> None:
    assert {client.get("/accounts/login/").status_code for _ in range(40)} == {200}


@limited
def test_counts_tell_nobodys_address_and_are_forgotten() -> None:
    reset(Client(REMOTE_ADDR="203.0.113.9"), NOBODY)
    kept = repr(list(AttemptCount.objects.values()))
    assert "nobody" not in kept
    assert "203.0.113" not in kept
    assert (AttemptCount.objects.count(), forget_attempts()) == (2, 0)
    AttemptCount.objects.update(until="2020-01-01T00:00Z")
    assert reset(Client(REMOTE_ADDR="203.0.113.9"), NOBODY).status_code == 302
    assert set(AttemptCount.objects.values_list("count", flat=True)) == {1}
    AttemptCount.objects.update(until="2020-01-01T00:00Z")
    assert forget_attempts() == 2


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_a_household_counts_as_one(address: str, network: str) -> None:
    assert network_of(address) == network


def test_every_limited_form_exists() -> None:
    from django.urls import get_resolver

    assert set(LIMITS) <= {name for name in get_resolver().reverse_dict if isinstance(name, str)}


# --- Cookies

_COOKIES = """
import django; django.setup()
from django.conf import settings
from django.http import HttpResponse
from django.test import RequestFactory
from django.contrib.messages import constants
from django.contrib.messages.storage import default_storage
from shop.cart import Cart
from shop.kept_form import keep
from django.http import QueryDict
request, response = RequestFactory().get("/"), HttpResponse()
Cart().save_to(response)
keep(response, QueryDict("a=1"))
messages = default_storage(request)
messages.add(constants.INFO, "x")
messages.update(response)
for morsel in response.cookies.values():
    print(morsel.OutputString())
for name in ("SESSION", "CSRF", "LANGUAGE"):
    print(*(getattr(settings, f"{name}_COOKIE_{what}") for what in
            ("NAME", "SECURE", "HTTPONLY", "SAMESITE", "PATH", "DOMAIN")))
"""


_HSTS = """
import django; django.setup()
from django.test import Client
answer = Client(headers={"host": "shop.example"}).get("/healthz", secure=True)
print(answer["Strict-Transport-Security"])
"""


def test_every_cookie_is_locked_to_the_shop_over_https() -> None:
    environment = {"SHOP_URL": "https://shop.example", "PAYPAL_ENVIRONMENT": "sandbox"}
    printed = run_with(environment, _COOKIES)
    *sent, session, csrf, language = printed
    assert [cookie.partition("=")[0] for cookie in sent] == [
        "__Host-cart", "__Host-form", "__Host-messages",
    ]  # fmt: skip
    for cookie in sent:
        flags = {flag.strip() for flag in cookie.split(";")[1:]}
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= flags
        assert not any(flag.startswith("Domain") for flag in flags)
    assert session == "__Host-session True True Lax / None"
    assert csrf == "__Host-csrf True True Lax / None"
    assert language == "__Host-language True True Lax / None"


def test_browsers_are_told_to_come_by_https_alone() -> None:
    [policy] = run_with({"SHOP_URL": "https://shop.example"}, _HSTS)
    assert policy == "max-age=31536000; includeSubDomains; preload"


def run_with(changes: dict[str, str], program: str) -> list[str]:
    """Run Python with the shop's settings under another environment; return its lines."""
    lines = (PROJECT / "devtools" / "check.env").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")
    given = {name: value.strip("'\"") for name, value in given.items()}
    given = {**given, "PAYPAL_BASE_URL": "", "DJANGO_SETTINGS_MODULE": "shop.settings", **changes}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT, env=given, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
