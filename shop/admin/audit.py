"""The audit trail, for the owner to read."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from notifications.admin import ReadOnlyAdmin


@admin.register(LogEntry)
class AuditTrailAdmin(ReadOnlyAdmin):
    """Who did what in the admin, and when. Nothing of it changes, here or in the database."""

    list_display = ("action_time", "user", "content_type", "thing", "told")
    list_filter = ("action_flag", "content_type")
    list_select_related = ("user", "content_type")
    search_exactly = ("user__username",)
    search_help_text = _("Whose doing it was")
    ordering = ("-pk",)  # the order in time, and it has an index
    fields = list_display

    @admin.display(description=_("what"))
    def thing(self, entry: LogEntry) -> SafeString | str:
        address: Any = (
            entry.get_admin_url() if entry.content_type and not entry.is_deletion() else ""
        )
        if not address:
            return entry.object_repr
        return format_html('<a href="{}">{}</a>', address, entry.object_repr)

    @admin.display(description=_("change"))
    def told(self, entry: LogEntry) -> str:
        if entry.is_deletion():
            return str(_("Deleted."))
        return entry.get_change_message()
