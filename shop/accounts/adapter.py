"""What the shop makes different about django-allauth: its words, and the way its emails go."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from urllib.parse import quote

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from notifications.account_emails import AccountEmail, queue_account_email
from notifications.outbox import Recipient


@dataclass(frozen=True)
class _Letter:
    """Which email one of allauth's becomes: where it leads, what it tells, for how long it holds.

    `tells` names allauth's value behind each fact.
    """

    kind: AccountEmail
    link: Callable[[dict[str, Any]], str]
    tells: dict[str, str] | None = None
    holds: timedelta | None = None


def shop_link(name: str, *args: str) -> str:
    """Return a page's address as emails give it: on SHOP_URL, whatever host was asked."""
    return settings.SHOP_URL + reverse(name, args=args)


def _page(name: str, *args: str) -> Callable[[dict[str, Any]], str]:
    return lambda _context: shop_link(name, *args)


def _given(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda context: str(context[name])


_CONFIRMING = timedelta(days=app_settings.EMAIL_CONFIRMATION_EXPIRE_DAYS)
_RESETTING = timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
_CONFIRM = _Letter(AccountEmail.CONFIRM, _given("activate_url"), holds=_CONFIRMING)
_CHANGE = _Letter(AccountEmail.CHANGE, _given("activate_url"), holds=_CONFIRMING)
_NEW_PASSWORD = _Letter(AccountEmail.PASSWORD_CHANGED, _page("account_reset_password"))
_LETTERS = {
    "email_confirmation_signup": _CONFIRM,
    "email_confirmation": _CONFIRM,
    "account_already_exists": _Letter(AccountEmail.EXISTS, _page("account_reset_password")),
    "unknown_account": _Letter(AccountEmail.UNKNOWN, _page("find-order")),
    "password_reset_key": _Letter(
        AccountEmail.PASSWORD_RESET, _given("password_reset_url"), holds=_RESETTING
    ),
    "password_changed": _NEW_PASSWORD,
    "password_reset": _NEW_PASSWORD,
    "password_set": _NEW_PASSWORD,
    "email_changed": _Letter(
        AccountEmail.EMAIL_CHANGED, _page("page", "contact"), tells={"new_address": "to_email"}
    ),
    "totp_activated": _Letter(AccountEmail.FACTOR_ADDED, _page("account_reset_password")),
    "totp_deactivated": _Letter(AccountEmail.FACTOR_REMOVED, _page("account_reset_password")),
    "recovery_codes_generated": _Letter(AccountEmail.CODES_MADE, _page("account_reset_password")),
}
_NOT_TOLD = frozenset({"email_deleted"})  # giving up a change never confirmed is nobody's news


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth has no types
    """allauth's decisions, with the shop's emails and plain words."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": _("This account was switched off. Write to us, and we look into it."),
        "duplicate_email": _("That is your address already."),
        "email_password_mismatch": _(
            "This email address and this password do not go together. Try again, or choose a new"
            " password."
        ),
        "enter_current_password": _("That is not your present password."),
        "incorrect_password": _("That is not your password."),
        "invalid_login": _("This email address and this password do not go together."),
        "invalid_password_reset": _("This link was used already, or it is too old."),
    }

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Hand the email to the consumers: nobody waits for the mail server."""
        name = template_prefix.rpartition("/")[2]
        if name in _NOT_TOLD:
            return
        letter = _LETTERS[name]
        if letter is _CONFIRM and _has_confirmed(context["user"], besides=email):
            letter = _CHANGE
        facts = {fact: context[given] for fact, given in (letter.tells or {}).items()}
        if letter.holds is not None:
            facts |= {"days": letter.holds.days, "hours": letter.holds // timedelta(hours=1)}
        queue_account_email(
            letter.kind,
            to=Recipient(email=email, name="", locale=(get_language() or "en")[:2]),
            links={"action": letter.link(context)},
            facts=facts,
            valid_for=letter.holds,
        )

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:  # noqa: ARG002
        return shop_link("account_confirm_email", emailconfirmation.key)

    def get_reset_password_from_key_url(self, key: str) -> str:
        path = reverse("account_reset_password_from_key", args=["UID", "KEY"])
        return settings.SHOP_URL + path.replace("UID-KEY", quote(key))


def _has_confirmed(user: Any, *, besides: str) -> bool:
    addresses = EmailAddress.objects.filter(user=user, verified=True).exclude(email=besides)
    return cast("bool", addresses.exists())
