"""Accounts: signing up, joining what was ordered before, changing, ending."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from axes.models import AccessLog
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone, translation

from orders.models import Order
from shop.accounts.closing import delete_accounts, forget_old_sign_ins, forget_unconfirmed
from shop.models import PlacementPromise, Variant
from tests.factories import contact, placed_order, placement
from tests.shop.pages import ADDRESS, filled_form, parsed, text_of
from tests.shop.people import (
    EMAIL,
    PASSWORD,
    account,
    link_in,
    prove_it,
    sign_in,
    sign_up,
    waiting_emails,
)

pytestmark = pytest.mark.django_db
NEW = "lan.moi@example.com"


def confirm(client: Client) -> Any:
    """Follow the link of the last email, and press the button behind it."""
    path = link_in(waiting_emails()[-1])
    client.get(path)
    return client.post(path)


def owners() -> list[str | None]:
    orders = Order.objects.order_by("pk").select_related("user")
    return [order.user.email if order.user else None for order in orders]


# --- Signing up


def test_whoever_signs_up_confirms_and_is_signed_in(client: Client) -> None:
    answer = sign_up(client)
    assert (answer.status_code, answer.url) == (302, "/accounts/confirm-email/")
    assert client.get("/orders/").status_code == 302
    (email,) = waiting_emails()
    assert (email.event_type, email.email) == ("account.confirm", EMAIL)
    assert confirm(client).url == "/orders/"
    assert client.get("/orders/").status_code == 200


def test_following_the_link_alone_confirms_nothing(client: Client) -> None:
    sign_up(client)
    assert "Yes, it is mine" in text_of(client.get(link_in(waiting_emails()[0])))
    assert not EmailAddress.objects.get().verified


def test_another_browser_confirms_and_is_not_signed_in(client: Client) -> None:
    sign_up(client)
    elsewhere = Client()
    assert confirm(elsewhere).url == "/accounts/login/"
    assert elsewhere.get("/orders/").status_code == 302
    assert sign_in(elsewhere).url == "/orders/"


def test_unconfirmed_account_cannot_be_used_and_gets_the_link_again(client: Client) -> None:
    account(confirmed=False)
    assert sign_in(client).url == "/accounts/confirm-email/"
    assert client.get("/orders/").status_code == 302
    assert [email.event_type for email in waiting_emails()] == ["account.confirm"]


def test_way_back_survives_signing_up(client: Client) -> None:
    sign_up(client, next="/checkout/")
    assert confirm(client).url == "/checkout/"


def test_emails_speak_the_language_of_the_page(client: Client) -> None:
    sign_up(client, headers={"accept-language": "vi"})  # type: ignore[arg-type]
    client.post("/i18n/setlang/", {"language": "vi"})
    client.post("/accounts/password/reset/", {"email": EMAIL})
    assert waiting_emails()[-1].locale == "vi"


def test_accounts_nobody_confirmed_are_forgotten_after_a_month() -> None:
    old = [account("a@example.com", confirmed=False), account("b@example.com")]
    staff = account("c@example.com", confirmed=False, is_staff=True)
    User.objects.update(date_joined=timezone.now() - timedelta(days=31))
    new = account("d@example.com", confirmed=False)
    assert forget_unconfirmed() == 1
    assert set(User.objects.all()) == {old[1], staff, new}


def test_who_signed_in_from_where_is_forgotten_after_three_months() -> None:
    for days in (91, 89):
        log = AccessLog.objects.create(username=EMAIL, ip_address="203.0.113.9")
        AccessLog.objects.filter(pk=log.pk).update(
            attempt_time=timezone.now() - timedelta(days=days)
        )
    assert forget_old_sign_ins() == 1
    assert AccessLog.objects.count() == 1


# --- Orders of before


def test_guest_orders_of_a_confirmed_address_are_joined(client: Client) -> None:
    placed_order(contact=contact(email="LAN@Example.com"))
    placed_order(contact=contact(email="mai@example.com"))
    sign_up(client)
    assert owners() == [None, None]
    confirm(client)
    assert owners() == [EMAIL, None]
    listed = parsed(client.get("/orders/")).findall(".//main//li/a")
    assert [link.text for link in listed] == [Order.objects.earliest("pk").number]


def test_what_was_ordered_signed_out_is_joined_at_the_next_sign_in(client: Client) -> None:
    account()
    placed_order()
    sign_in(client)
    assert owners() == [EMAIL]


def test_address_that_is_not_confirmed_yet_gets_no_order(client: Client) -> None:
    placed_order(contact=contact(email=NEW))
    user = account()
    EmailAddress.objects.create(user=user, email=NEW)
    sign_in(client)
    assert client.get("/orders/").status_code == 200
    assert owners() == [None]


def test_another_accounts_order_is_not_taken(client: Client) -> None:
    other = account("mai@example.com")
    placed_order(user_id=other.pk)
    account()
    sign_in(client)
    assert owners() == ["mai@example.com"]


# --- The address


def checkout_fields(client: Client) -> dict[str, list[str]]:
    return filled_form(client.get("/checkout/"), "/checkout/")


def test_checkout_knows_where_the_last_order_went(client: Client, tea: Variant) -> None:
    user = account()
    placed_order(user_id=user.pk, contact=contact(city="Huế", phone="0901234567"))
    placed_order(user_id=user.pk, contact=contact(full_name="Lan Trần", city="Đà Nẵng"))
    sign_in(client)
    fields = checkout_fields(client)
    known = [fields[name] for name in ("email", "full_name", "city", "country", "phone")]
    assert known == [[EMAIL], ["Lan Trần"], ["Đà Nẵng"], ["VN"], [""]]


def test_guest_sees_an_empty_form_and_the_way_to_sign_in(client: Client, tea: Variant) -> None:
    placed_order()
    page = client.get("/checkout/")
    assert filled_form(page, "/checkout/")["full_name"] == [""]
    links = [a.get("href") for a in parsed(page).findall(".//main//a")]
    assert "/accounts/login/?next=/checkout/" in links


def test_whoever_orders_with_my_address_does_not_choose_where_my_parcel_goes(
    client: Client, tea: Variant
) -> None:
    account()
    placed_order(contact=contact(full_name="Thief", line1="1 Elsewhere"))
    sign_in(client)
    assert owners() == [EMAIL]
    fields = checkout_fields(client)
    assert (fields["email"], fields["full_name"], fields["line1"]) == ([EMAIL], [""], [""])


# --- Changing


def test_new_address_counts_once_it_is_confirmed_and_the_old_one_is_told(client: Client) -> None:
    account()
    placed_order(contact=contact(email=NEW))
    sign_in(client)
    prove_it(client)
    client.post("/accounts/email/", {"email": NEW, "action_add": ""})
    assert User.objects.get().email == EMAIL
    assert (waiting_emails()[-1].event_type, waiting_emails()[-1].email) == ("account.change", NEW)
    confirm(client)
    assert User.objects.get().email == NEW
    assert list(EmailAddress.objects.values_list("email", "verified")) == [(NEW, True)]
    told = waiting_emails()[-1]
    assert (told.event_type, told.email) == ("account.email_changed", EMAIL)
    assert owners() == [NEW]


def test_change_can_be_given_up(client: Client) -> None:
    account()
    sign_in(client)
    prove_it(client)
    client.post("/accounts/email/", {"email": NEW, "action_add": ""})
    client.post("/accounts/email/", {"email": NEW, "action_remove": ""})
    assert EmailAddress.objects.get().email == EMAIL
    assert len(waiting_emails()) == 1


def test_new_password_signs_other_devices_out_and_is_told(client: Client) -> None:
    account()
    elsewhere = Client()
    sign_in(client)
    sign_in(elsewhere)
    form = {"oldpassword": PASSWORD, "password1": "another long one"}
    client.post("/accounts/password/change/", form)
    assert client.get("/orders/").status_code == 200
    assert elsewhere.get("/orders/").status_code == 302
    assert waiting_emails()[-1].event_type == "account.password_changed"


def test_forgotten_password_is_chosen_anew_once(client: Client) -> None:
    account()
    client.post("/accounts/password/reset/", {"email": EMAIL})
    path = link_in(waiting_emails()[0])
    form = client.get(path, follow=True)
    here = form.redirect_chain[-1][0]
    answer: Any = client.post(here, {"password1": "another long one"})
    assert answer.url == "/orders/"
    assert sign_in(Client(), password="another long one").url == "/orders/"
    assert "no longer good" in text_of(Client().get(path, follow=True))


# --- The end


def delete(client: Client) -> Any:
    prove_it(client)
    return client.post("/accounts/delete/")


def test_deleted_account_leaves_its_orders_to_whoever_has_their_links(client: Client) -> None:
    user = account()
    order = placed_order(user_id=user.pk)
    sign_in(client)
    assert "1 order is under way" in text_of(client.get("/accounts/delete/"))
    assert delete(client).url == "/"
    assert not User.objects.exists()
    assert not EmailAddress.objects.exists()
    assert client.get("/orders/").status_code == 302
    assert client.get(order.get_absolute_url()).status_code == 200
    order.refresh_from_db()
    assert (order.user, order.email, order.status) == (None, EMAIL, "PENDING")
    assert waiting_emails()[-1].event_type == "account.deleted"


@pytest.mark.parametrize("path", ["/accounts/delete/", "/accounts/email/"])
def test_something_grave_asks_for_the_password_again_and_goes_on(client: Client, path: str) -> None:
    account()
    sign_in(client)
    asked: Any = client.post(path, {"email": NEW, "action_add": ""})
    assert asked.url.startswith("/accounts/reauthenticate/")
    prove_it(client, "wrong")
    assert (User.objects.count(), waiting_emails()) == (1, [])
    client.post(asked.url, {"password": PASSWORD}, follow=True)
    assert len(waiting_emails()) == 1


def test_staff_are_not_deleted_by_themselves(client: Client) -> None:
    account(is_staff=True)
    sign_in(client)
    assert delete(client).url == "/accounts/delete/"
    assert User.objects.exists()


def test_what_waits_of_a_deleted_account_becomes_a_guests_wish() -> None:
    user = account()
    wish = placement(user_id=user.pk)
    PlacementPromise.objects.create(
        checkout_key=wish.checkout_key,
        fingerprint=wish.fingerprint,
        cart_id=uuid4(),
        user_id=user.pk,
        wish=wish.to_json(),
        owner=1,
    )
    delete_accounts([user])
    promise = PlacementPromise.objects.get()
    assert (promise.user_id, promise.placement.user_id) == (None, None)
    assert json.dumps(promise.placement.to_json()) == json.dumps(
        {**wish.to_json(), "user_id": None}
    )


# --- The pages


PAGES = [
    "login/", "signup/", "password/reset/", "password/reset/done/", "password/reset/key/done/",
    "password/reset/key/1-x/", "confirm-email/", "confirm-email/x/", "inactive/",
]  # fmt: skip
OWN_PAGES = ["email/", "password/change/", "logout/", "delete/", "reauthenticate/"]


@pytest.mark.parametrize("language", ["en", "vi"])
@pytest.mark.parametrize("path", [*PAGES, *OWN_PAGES])
def test_every_page_is_the_shops_own_in_both_languages(
    client: Client, path: str, language: str
) -> None:
    if path in OWN_PAGES:
        account()
        sign_in(client)
    page = client.get(f"/accounts/{path}", headers={"accept-language": language}, follow=True)
    tree = parsed(page)
    assert page.status_code == 200
    assert tree.attrib["lang"] == language
    assert len(tree.findall(".//main//h1")) == 1
    with translation.override(language):
        assert translation.gettext("Delivery") in page.content.decode()
    assert "noindex" in page.content.decode()
    assert "no-store" in page.headers["Cache-Control"]


def test_language_switch_keeps_the_page_a_refused_form_too(client: Client) -> None:
    refused = client.post("/accounts/login/?next=/orders/", {"login": "lan@"})
    assert refused.status_code == 200
    assert filled_form(refused, "/i18n/setlang/")["next"] == ["/accounts/login/?next=/orders/"]


def test_form_with_errors_says_so_first_and_beside_each_field(client: Client) -> None:
    page = sign_up(client, email="lan@")
    summary = next(e for e in parsed(page).iter("div") if e.get("class") == "error-summary")
    assert summary.get("role") == "alert"
    field = next(e for e in parsed(page).iter("input") if e.get("name") == "email")
    assert field.get("aria-invalid") == "true"
    assert field.get("aria-describedby") == "id_email_error"
    assert field.get("value") == "lan@"


def test_short_password_is_refused_in_the_pages_language(client: Client) -> None:
    form = {"email": "lan@example.com", "password1": "đ"}
    page = client.post("/accounts/signup/", form, headers={"accept-language": "vi"})
    assert "Hãy chọn mật khẩu có ít nhất 8 ký tự." in text_of(page)


@pytest.mark.parametrize(
    "path", ["3rdparty/", "social/signup/", "login/code/", "login/code/confirm/", "phone/verify/"]
)
def test_what_the_shop_does_not_offer_is_not_there(client: Client, path: str) -> None:
    assert client.get(f"/accounts/{path}").status_code == 404


@pytest.mark.django_db(transaction=True)  # the intake places it on a thread of its own
def test_signed_in_customer_orders_and_finds_the_order_in_the_history(
    client: Client, tea: Variant
) -> None:
    account()
    sign_in(client)
    form = {**checkout_fields(client), **ADDRESS}
    client.post("/checkout/", form)
    assert owners() == [EMAIL]
    assert Order.objects.get().number in text_of(client.get("/orders/"))
