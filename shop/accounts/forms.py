"""allauth's forms with the shop's labels, hints and errors; a new password is typed once."""

from typing import Any

from allauth.account import forms as theirs
from django import forms
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

_EMAIL_ERRORS = {
    "required": _("Enter your email address."),
    "invalid": _("Enter an email address such as name@example.com."),
}
_PASSWORD_ERRORS = {"required": _("Enter your password.")}
_NEW_ERRORS = {"required": _("Enter a new password.")}
_NEW_HINT = _("At least 8 characters, and not one that many people use.")


def _describe(field: forms.Field, label: Any, errors: dict[str, Any], hint: Any = "") -> None:
    field.label, field.help_text = label, hint
    field.error_messages |= errors
    field.widget.attrs.pop("placeholder", None)


class _OneEmail:
    """A form that asks for one email address."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _describe(self.fields["email"], _("Email"), _EMAIL_ERRORS)


class _NewPassword:
    """A form that asks for a new password: once, since every browser can show it."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("password2")
        _describe(self.fields["password1"], _("New password"), _NEW_ERRORS, _NEW_HINT)


class LoginForm(theirs.LoginForm):  # type: ignore[misc] # allauth has no types
    """Signing in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _describe(self.fields["login"], _("Email"), _EMAIL_ERRORS)
        _describe(self.fields["password"], _("Password"), _PASSWORD_ERRORS)
        self.fields["remember"].label = _("Stay signed in on this device")


class SignupForm(_OneEmail, theirs.SignupForm):  # type: ignore[misc]
    """Signing up; it takes as long for an address that has an account already."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _describe(self.fields["password1"], _("Password"), _NEW_ERRORS, _NEW_HINT)

    def try_save(self, request: HttpRequest) -> Any:
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])
        return super().try_save(request)


class AddEmailForm(_OneEmail, theirs.AddEmailForm):  # type: ignore[misc]
    """Changing one's address."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("New email address")


class ResetPasswordForm(_OneEmail, theirs.ResetPasswordForm):  # type: ignore[misc]
    """Asking for a new password."""


class ResetPasswordKeyForm(_NewPassword, theirs.ResetPasswordKeyForm):  # type: ignore[misc]
    """Choosing a new password by the link of an email."""


class SetPasswordForm(_NewPassword, theirs.SetPasswordForm):  # type: ignore[misc]
    """Choosing a password for an account that has none."""


class ChangePasswordForm(_NewPassword, theirs.ChangePasswordForm):  # type: ignore[misc]
    """Changing one's password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _describe(self.fields["oldpassword"], _("Present password"), _PASSWORD_ERRORS)


class ReauthenticateForm(theirs.ReauthenticateForm):  # type: ignore[misc]
    """Typing one's password again before something grave."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _describe(self.fields["password"], _("Password"), _PASSWORD_ERRORS)
