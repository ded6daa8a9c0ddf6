"""Staff's view of the pipeline: events, emails, dead letters; to look at, not to change."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from notifications.admin.lists import BigList
from notifications.models import DeadLetter, EmailDelivery, Event, OutboxEntry, QuarantinedEvent
from notifications.stages import EVENT_TYPES


class _EventType(admin.SimpleListFilter):
    """By the event's type, of which the shop knows all: nobody has to look for them."""

    title = "event type"
    parameter_name = "type"

    def lookups(self, *_: Any) -> list[tuple[str, str]]:
        return [(one, one) for one in sorted(EVENT_TYPES)]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.parameter_name: self.value()}) if self.value() else queryset


class _EventTypeOfEmail(_EventType):
    parameter_name = "event_type"


class ReadOnlyAdmin(BigList):
    """Rows that only the shop's programs write."""

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
    list_filter = (_EventType,)
    list_select_related = ("publication",)
    search_exactly = ("subject", "pk")
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
    """Events that Kafka refused; the operations page publishes them again or gives them up."""

    list_display = ("quarantined_at", "event", "error", "given_up_at", "given_up_by")
    list_filter = (("given_up_at", admin.EmptyFieldListFilter),)
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
    list_filter = ("status", _EventTypeOfEmail, "role")
    search_exactly = ("subject", "event_id", "pk")
    exclude = ("value", "headers", "owner")


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    """What could not be dealt with; `replay_dead_letters` gives it back."""

    list_display = ("created_at", "reason", "event_type", "event_id", "error", "replayed_at")
    search_exactly = ("event_id",)
    list_filter = ("reason", "event_type", ("replayed_at", admin.EmptyFieldListFilter))
    list_select_related = ("delivery",)
    exclude = ("key", "value", "headers")
