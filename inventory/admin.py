"""Staff's view of the stock: what is there, what is held, and what moved."""

from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.decorators import display

from inventory.models import Stock, StockMovement
from notifications.admin import AuditedAdmin, ReadOnlyAdmin
from notifications.exports import ExportedAdmin


class MovementInline(TabularInline):  # type: ignore[misc] # unfold has no types
    """What moved of one SKU, newest first, a page at a time."""

    model = StockMovement
    fields = readonly_fields = (
        "moved_at",
        "kind",
        "on_hand_change",
        "held_change",
        "by",
        "reference",
    )
    ordering = ("-id",)
    per_page = 20
    hide_title = True
    can_delete = False

    def has_add_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def has_change_permission(self, *_: Any, **__: Any) -> bool:
        return False


class RunningOut(admin.SimpleListFilter):
    """What is down to its threshold."""

    title = "running out"
    parameter_name = "running_out"

    def lookups(self, *_: Any) -> list[tuple[str, str]]:
        return [("yes", "At or below its threshold")]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Stock]) -> QuerySet[Stock]:
        if self.value() != "yes":
            return queryset
        return queryset.filter(on_hand__lte=F("held") + F("low_stock_threshold"))


class StockAdmin(AuditedAdmin):
    """What is on the shelf; the shop registers it, and takes stock there."""

    list_display = ("sku", "on_hand", "held", "left", "low_stock_threshold")
    list_filter = (RunningOut,)
    search_fields = ("sku",)
    ordering = ("sku",)
    readonly_fields = ("sku", "on_hand", "held", "available")
    fields: tuple[str, ...] = (*readonly_fields, "low_stock_threshold")
    inlines = (MovementInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Stock]:
        stock: QuerySet[Stock] = super().get_queryset(request)
        return stock.annotate(left=F("on_hand") - F("held"))

    @display(  # type: ignore[untyped-decorator]
        description="available",
        ordering="left",
        label={"out": "danger", "low": "warning", "fine": "success"},
    )
    def left(self, stock: Stock) -> tuple[str, str]:
        if stock.available == 0:
            return "out", "0"
        is_low = stock.available <= stock.low_stock_threshold
        return ("low" if is_low else "fine"), str(stock.available)

    def has_add_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def has_delete_permission(self, *_: Any, **__: Any) -> bool:
        return False


@admin.register(StockMovement)
class StockMovementAdmin(ExportedAdmin, ReadOnlyAdmin):
    """Every change of the stock."""

    export_fields = ("moved_at", "stock", "kind", "on_hand_change", "held_change", "by")
    list_display = ("moved_at", "stock_id", "kind", "on_hand_change", "held_change", "by")
    list_filter = ("kind",)
    list_select_related = ("stock",)
    search_exactly = ("stock", "reference")
    ordering = ("-id",)
