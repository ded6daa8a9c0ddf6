"""Staff's view of the pipeline: events, emails, dead letters; to look at, not to change."""

from typing import Any

from django.contrib import admin
from unfold.admin import ModelAdmin

from notifications.models import DeadLetter, EmailDelivery, Event, OutboxEntry, QuarantinedEvent


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc] # unfold has no types
    """Rows that only the pipeline writes."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def has_change_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def has_delete_permission(self, *_: Any, **__: Any) -> bool:
        return False


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """What happened, and where it stands on Kafka."""

    list_display = ("recorded_at", "type", "subject", "place")
    list_filter = ("type",)
    list_select_related = ("publication",)
    search_fields = ("subject", "id")
    fields = ("id", "type", "subject", "recorded_at", "place", "traceparent", "body", "personal")

    @admin.display(description="on Kafka")
    def place(self, event: Event) -> str:
        publication = getattr(event, "publication", None)
        return str(publication) if publication else "not yet"


@admin.register(OutboxEntry)
class OutboxEntryAdmin(ReadOnlyAdmin):
    """Events that Kafka has not taken yet."""

    list_display = ("id", "event")
    list_select_related = ("event",)


@admin.register(QuarantinedEvent)
class QuarantinedEventAdmin(ReadOnlyAdmin):
    """Events that Kafka will never take."""

    list_display = ("quarantined_at", "event", "error")
    list_select_related = ("event",)


@admin.register(EmailDelivery)
class EmailDeliveryAdmin(ReadOnlyAdmin):
    """The ledger of emails."""

    list_display = (
        "created_at",
        "event_type",
        "subject",
        "role",
        "email",
        "status",
        "reason",
        "attempts",
        "unknown",
    )
    list_filter = ("status", "event_type", "role")
    search_fields = ("subject", "email", "message_id")
    exclude = ("value", "headers", "owner")


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    """What could not be dealt with; `replay_dead_letters` gives it back."""

    list_display = ("created_at", "reason", "event_type", "event_id", "error", "replayed_at")
    list_filter = ("reason", "event_type", ("replayed_at", admin.EmptyFieldListFilter))
    list_select_related = ("delivery",)
    exclude = ("key", "value", "headers")
