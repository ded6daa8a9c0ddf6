"""Placements that ended in an unexpected error, and the promises: staff place them again."""

from typing import cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from notifications.admin import ReadOnlyAdmin
from notifications.admin.audit import note_about_many
from shop.failures import place_many_again
from shop.models import FailedPlacement, PlacementPromise

_STATES = {"OPEN": "danger", "PLACED": "success", "REFUSED": "info"}


@admin.register(FailedPlacement)
class FailedPlacementAdmin(ReadOnlyAdmin):
    """What was asked for, what went wrong, and a way to place it again."""

    list_display = ("failed_at", "state", "email", "error", "attempts", "order")
    list_filter = ("status",)
    search_fields = ("email", "checkout_key", "error")
    date_hierarchy = "failed_at"
    actions = ("place_again",)
    fields = (
        ("status", "reason", "order"),
        ("failed_at", "failed_again_at", "attempts", "settled_at"),
        "email",
        "checkout_key",
        "wish",
        "error",
        "steps",
    )

    @display(description="status", label=_STATES)  # type: ignore[untyped-decorator]
    def state(self, failure: FailedPlacement) -> str:
        return failure.status

    @admin.display(description="traceback")
    def steps(self, failure: FailedPlacement) -> SafeString:
        return format_html("<pre>{}</pre>", failure.traceback)

    def has_place_again_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("shop.change_failedplacement")

    @action(description="Place again", permissions=["place_again"])  # type: ignore[untyped-decorator]
    def place_again(self, request: HttpRequest, chosen: QuerySet[FailedPlacement]) -> None:
        keys = list(chosen.order_by("failed_at").values_list("pk", flat=True))
        retried = place_many_again(keys)
        told = f"{retried.placed} placed, {retried.refused} refused, {retried.failed} failed again."
        user = cast("User", request.user)
        note_about_many(by=user, model=FailedPlacement, told=f"Place again: {told}")
        level = messages.WARNING if retried.failed else messages.SUCCESS
        self.message_user(request, told, level)


@admin.register(PlacementPromise)
class PlacementPromiseAdmin(ReadOnlyAdmin):
    """Placements whose customers were told to wait."""

    list_display = ("promised_at", "status", "reason", "order", "settled_at")
    list_filter = ("status",)
    search_fields = ("checkout_key",)
    fields = ("checkout_key", "status", "reason", "order", "promised_at", "settled_at", "wish")
