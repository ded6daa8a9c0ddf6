"""Staff and customers with an account, in the admin's look."""

from typing import Any

import allauth.account.admin
import allauth.mfa.admin
import axes.admin
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.dispatch import receiver
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from notifications.admin import AuditedAdmin
from notifications.admin.audit import note_in_audit_trail
from shop.second_factor import take_factor_away

# Their own admins do not look like the rest; who is locked out is all that staff need.
_THEIRS = (
    allauth.account.admin,
    allauth.mfa.admin,
    axes.admin,
)  # imported: whatever they register is there now
for model in (User, Group, EmailAddress, AccessAttempt, AccessFailureLog, AccessLog, Authenticator):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(User)
class UserAdmin(AuditedAdmin, DjangoUserAdmin):  # type: ignore[type-arg]
    """Everyone with an account."""

    untold_fields = ("password", "email", "name")  # a customer's may have to be forgotten
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(AuditedAdmin, DjangoGroupAdmin):
    """What members of a group may do."""


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ModelAdmin):  # type: ignore[misc]
    """Who mistyped a password too often; deleting the row lets them try again."""

    list_display = ("attempt_time", "username", "ip_address", "failures_since_start")
    search_fields = ("username", "ip_address")
    fields = list_display

    def has_add_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def has_change_permission(self, *_: Any, **__: Any) -> bool:
        return False


@admin.register(Authenticator)
class SecondFactorAdmin(ModelAdmin):  # type: ignore[misc]
    """Who has a second factor; deleting the rows lets one who lost it set up another."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email")
    fields = list_display

    def has_add_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def has_change_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def delete_model(self, _request: HttpRequest, factor: Authenticator) -> None:
        take_factor_away(factor)

    def delete_queryset(self, _request: HttpRequest, chosen: QuerySet[Authenticator]) -> None:
        for factor in chosen.order_by("-type"):  # the codes go with the app's
            take_factor_away(factor)


@receiver(authenticator_added)
def _note_added(user: User, authenticator: Authenticator, **_: Any) -> None:
    _note(user, f"Set up a second factor ({authenticator.type}).")


@receiver(authenticator_removed)
def _note_removed(user: User, authenticator: Authenticator, **_: Any) -> None:
    _note(user, f"Gave a second factor up ({authenticator.type}).")


@receiver(authenticator_reset)
def _note_reset(user: User, **_: Any) -> None:
    _note(user, "Made recovery codes anew.")


def _note(user: User, told: str) -> None:
    if user.is_staff:
        note_in_audit_trail(by=user, thing=user, told=told)
