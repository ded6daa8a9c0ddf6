"""The staff's second factor: asked for at the admin's door, hard to guess, replaceable."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, hotp_value, yield_hotp_counters_from_time
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from tests.shop.pages import filled_form
from tests.shop.people import waiting_emails

pytestmark = pytest.mark.django_db
_BACKEND = "django.contrib.auth.backends.ModelBackend"
_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PAGES = ("/admin/", "/admin/orders/order/", "/admin/shop/intakereport/", "/admin/password_change/")
ASK, SET_UP = "/accounts/2fa/reauthenticate/", "/accounts/2fa/totp/activate/"


@pytest.fixture
def lan() -> User:
    return User.objects.create_superuser("lan", password="lan-7-lan")


@pytest.fixture
def desk(client: Client, lan: User) -> Client:
    """Return a client that has signed in with the password alone."""
    answer = client.post("/admin/login/", {"username": "lan", "password": "lan-7-lan"})
    assert answer.status_code == 302
    return client


def code(secret: str = _SECRET) -> str:
    counter = next(iter(yield_hotp_counters_from_time()))
    return f"{hotp_value(secret, counter):06}"


def type_code(client: Client, typed: str) -> Any:
    return client.post(ASK, {"code": typed, "next": "/admin/"})


@pytest.mark.parametrize("page", PAGES)
def test_whoever_has_one_must_give_it(desk: Client, lan: User, page: str) -> None:
    assert desk.get(page).status_code == 200
    TOTP.activate(lan, _SECRET)
    answer = desk.get(page)
    assert answer.status_code == 302
    assert answer["Location"] == f"{ASK}?next={page.replace('/', '%2F')}"
    assert desk.post(page, {}).status_code == 302


def test_the_code_opens_the_door_and_it_stays_open(desk: Client, lan: User) -> None:
    TOTP.activate(lan, _SECRET)
    assert desk.get(desk.get("/admin/")["Location"]).status_code == 200
    assert type_code(desk, "000000" if code() != "000000" else "000001").status_code == 200
    assert desk.get("/admin/").status_code == 302
    assert type_code(desk, code())["Location"] == "/admin/"
    for _ in range(2):
        assert desk.get("/admin/").status_code == 200


def test_a_code_opens_once(desk: Client, client: Client, lan: User) -> None:
    TOTP.activate(lan, _SECRET)
    used = code()
    assert type_code(desk, used).status_code == 302
    other = Client()
    other.force_login(lan, backend=_BACKEND)
    assert type_code(other, used).status_code == 200
    assert other.get("/admin/").status_code == 302


def test_a_recovery_code_opens_once(desk: Client, lan: User) -> None:
    TOTP.activate(lan, _SECRET)
    kept = RecoveryCodes.activate(lan).get_unused_codes()[0]
    assert type_code(desk, kept).status_code == 302
    assert desk.get("/admin/").status_code == 200
    other = Client()
    other.force_login(lan, backend=_BACKEND)
    assert type_code(other, kept).status_code == 200


def test_five_guesses_and_no_more(desk: Client, lan: User, settings: Settings) -> None:
    settings.RATE_LIMITS = True
    TOTP.activate(lan, _SECRET)
    for _ in range(5):
        assert "not right" in type_code(desk, "wrong").text
    answer = type_code(desk, code())
    assert "Too many tries" in answer.text
    assert desk.get("/admin/").status_code == 302


def test_where_it_is_required_it_is_set_up_first(
    desk: Client, lan: User, settings: Settings
) -> None:
    settings.STAFF_TWO_FACTOR = "required"
    answer = desk.get("/admin/", follow=True)
    while "password" in filled_form(answer, answer.request["PATH_INFO"]):
        answer = desk.post(
            answer.request["PATH_INFO"], {"password": "lan-7-lan", "next": SET_UP}, follow=True
        )
    assert answer.request["PATH_INFO"] == SET_UP
    secret = answer.context["form"].secret
    answer = desk.post(SET_UP, {"code": code(secret)}, follow=True)
    assert len(answer.context["unused_codes"]) == 10
    assert desk.get("/admin/")["Location"].startswith(ASK)
    assert secret not in str(Authenticator.objects.values_list("data", flat=True))


def test_customers_and_the_door_itself_are_not_asked(client: Client, settings: Settings) -> None:
    settings.STAFF_TWO_FACTOR = "required"
    assert client.get("/admin/login/").status_code == 200
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    client.force_login(User.objects.create_user("customer"), backend=_BACKEND)
    assert client.get("/orders/").status_code == 200
    assert client.get("/admin/")["Location"].startswith("/admin/login/")


def told_by_email() -> list[tuple[str, str]]:
    """Return which emails about accounts wait, and for whom, oldest first."""
    return [(one.event_type, one.email) for one in waiting_emails()]


@pytest.mark.django_db(transaction=True)
def test_whose_it_is_learns_of_every_change_by_email(desk: Client, lan: User) -> None:
    User.objects.filter(pk=lan.pk).update(email="lan@example.com")
    desk.post("/accounts/reauthenticate/", {"password": "lan-7-lan"})
    secret = desk.get(SET_UP).context["form"].secret
    desk.post(SET_UP, {"code": code(secret)})
    desk.post("/accounts/2fa/recovery-codes/generate/", {})
    desk.post("/accounts/2fa/totp/deactivate/", {})
    kinds = ("account.factor_added", "account.codes_made", "account.factor_removed")
    assert told_by_email() == [(kind, "lan@example.com") for kind in kinds]
    assert secret.encode() not in b"".join(bytes(one.value or b"") for one in waiting_emails())
    told = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert "Made recovery codes anew." in told


@pytest.mark.parametrize("way", ["its own page", "the list"])
def test_the_owner_helps_whoever_lost_theirs(admin_client: Client, lan: User, way: str) -> None:
    User.objects.filter(pk=lan.pk).update(email="lan@example.com")
    TOTP.activate(lan, _SECRET)
    RecoveryCodes.activate(lan)
    row = Authenticator.objects.get(user=lan, type="totp")
    page = admin_client.get(f"/admin/mfa/authenticator/{row.pk}/change/")
    assert page.status_code == 200
    assert row.data["secret"] not in page.text
    if way == "the list":
        chosen = list(Authenticator.objects.filter(user=lan).values_list("pk", flat=True))
        sent = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
        admin_client.post("/admin/mfa/authenticator/", sent)
    else:
        admin_client.post(f"/admin/mfa/authenticator/{row.pk}/delete/", {"post": "yes"})
    assert not Authenticator.objects.filter(user=lan).exists()
    assert told_by_email() == [("account.factor_removed", "lan@example.com")]


def test_whoever_has_no_address_is_helped_all_the_same(admin_client: Client, lan: User) -> None:
    TOTP.activate(lan, _SECRET)
    row = Authenticator.objects.get(user=lan)
    admin_client.post(f"/admin/mfa/authenticator/{row.pk}/delete/", {"post": "yes"})
    assert (Authenticator.objects.count(), told_by_email()) == (0, [])


def test_its_pages_are_whole(desk: Client, lan: User) -> None:
    TOTP.activate(lan, _SECRET)
    RecoveryCodes.activate(lan)
    assert "It is on" in desk.get("/accounts/2fa/").text
    type_code(desk, code())
    for page in ("recovery-codes/", "recovery-codes/generate/", "totp/deactivate/"):
        assert "<h1>" in desk.get(f"/accounts/2fa/{page}").text
