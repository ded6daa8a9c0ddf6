"""The staff's second factor: a code from an app, or one of ten to keep on paper.

The password opens the shop; the admin asks for the code as well, of everyone who has set one up,
and with STAFF_TWO_FACTOR=required of everyone. allauth keeps the secrets and checks the codes.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base import forms as theirs
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.utils import is_mfa_enabled
from django import forms
from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from notifications.sealing import open_sealed, seal_text
from shop.rate_limits import wait_for

REQUIRED, OPTIONAL = "required", "optional"
_MOST_CODES, _WINDOW = 5, timedelta(minutes=15)
_OPEN_PAGES = frozenset({"login", "logout", "jsi18n"})
_TYPES = [Authenticator.Type.TOTP]


class SecondFactorMiddleware:
    """Lets staff into the admin once this session has seen their second factor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or match.app_names[:1] != ["admin"] or match.url_name in _OPEN_PAGES:
            return None
        page = _page_to_pass(request)
        return redirect(f"{page}?{urlencode({'next': request.get_full_path()})}") if page else None


def _page_to_pass(request: HttpRequest) -> str:
    """Return where the second factor is asked for or set up; "" where neither is needed."""
    user = request.user
    if not isinstance(user, AbstractUser) or not user.is_staff:
        return ""
    records = get_authentication_records(request, user)
    if any(record["method"] == "mfa" for record in records):
        return ""
    if is_mfa_enabled(user, types=_TYPES):
        return reverse("mfa_reauthenticate")
    return reverse("mfa_activate_totp") if settings.STAFF_TWO_FACTOR == REQUIRED else ""


@transaction.atomic
def take_factor_away(factor: Authenticator) -> None:
    """Delete a factor that its owner has lost, the codes beside it too, and tell its owner."""
    was_there, _rows = factor.delete()
    left = Authenticator.objects.filter(user=factor.user)
    if not was_there or left.exclude(type=Authenticator.Type.RECOVERY_CODES).exists():
        return
    left.delete()
    get_adapter().send_notification_mail("mfa/email/totp_deactivated", factor.user)


class SealedSecrets(DefaultMFAAdapter):  # type: ignore[misc] # allauth has no types
    """Secrets in the database are of no use without SECRET_KEY."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("This code is not right, or its half minute is over. Take the next."),
    }

    def encrypt(self, text: str) -> str:
        return seal_text(text)

    def decrypt(self, encrypted_text: str) -> str:
        return open_sealed(encrypted_text)


class _FewGuesses:
    """A code has six digits: five tries in a quarter of an hour, over all web processes."""

    fields: dict[str, forms.Field]
    user: AbstractUser

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        code = self.fields["code"]
        code.label = _("Code from your app")
        code.widget.attrs |= {"inputmode": "numeric", "autofocus": True}
        code.widget.attrs.pop("placeholder", None)

    def clean_code(self) -> str:
        seconds = wait_for("second factor", str(self.user.pk), _MOST_CODES, _WINDOW)
        if seconds:
            minutes = -(-seconds // 60)
            raise forms.ValidationError(
                _("Too many tries. Wait %(minutes)s minutes, then try again.")
                % {"minutes": minutes}
            )
        code = str(super().clean_code())  # type: ignore[misc]
        if wait_for("used code", f"{self.user.pk} {code}", 1, _WINDOW):  # in another web process
            raise forms.ValidationError(SealedSecrets.error_messages["incorrect_code"])
        return code


class AuthenticateForm(_FewGuesses, theirs.AuthenticateForm):  # type: ignore[misc]
    """The code, while signing in to the shop."""


class ReauthenticateForm(_FewGuesses, theirs.ReauthenticateForm):  # type: ignore[misc]
    """The code, at the admin's door."""


class ActivateForm(_FewGuesses, ActivateTOTPForm):  # type: ignore[misc]
    """The first code, which proves that the app has the secret."""
