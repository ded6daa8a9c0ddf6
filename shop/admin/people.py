"""Staff and customers with an account, in the admin's look."""

from typing import Any

import allauth.account.admin
import allauth.mfa.admin
import axes.admin
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

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
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg] # unfold has no types
    """Everyone with an account."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
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
