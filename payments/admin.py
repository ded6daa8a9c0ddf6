"""Staff's view of the money: payments, what PayPal took and gave back, and what it told us."""

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.admin import TabularInline
from unfold.decorators import display

from notifications.admin import ReadOnlyAdmin
from notifications.admin.badges import badge
from notifications.exports import ExportedAdmin
from payments.lifecycle import PaymentStatus
from payments.models import Capture, Payment, PaymentAttempt, Refund, WebhookReceipt

PAYMENT_COLOURS = {
    PaymentStatus.PENDING.value: "info",
    PaymentStatus.CAPTURING.value: "warning",
    PaymentStatus.REVIEW.value: "warning",
    PaymentStatus.SUCCESS.value: "success",
    PaymentStatus.FAILED.value: "danger",
}


class AttemptInline(TabularInline):  # type: ignore[misc] # unfold has no types
    """The PayPal orders of a payment."""

    model = PaymentAttempt
    fields = readonly_fields = ("number", "status", "paypal_order_id", "issue", "opened_at")
    hide_title = True
    can_delete = False
    extra = max_num = 0


class CaptureInline(TabularInline):  # type: ignore[misc]
    """What PayPal took for a payment."""

    model = Capture
    fields = readonly_fields = ("paypal_id", "status", "amount", "currency", "is_settling")
    hide_title = True
    can_delete = False
    extra = max_num = 0


@admin.register(Payment)
class PaymentAdmin(ExportedAdmin, ReadOnlyAdmin):
    """Payments; they move by what PayPal says, never by hand."""

    export_fields = ("order__number", "transaction_id", "status", "amount", "currency")

    list_display = ("order", "state", "amount", "currency", "transaction_id")
    list_filter = ("status",)
    list_select_related = ("order",)
    search_exactly = ("order__number", "transaction_id", "attempts__paypal_order_id")
    ordering = ("-pk",)
    fields = ("order", "status", "amount", "currency", "transaction_id")
    inlines = (AttemptInline, CaptureInline)

    @display(description="status", ordering="status")  # type: ignore[untyped-decorator]
    def state(self, payment: Payment) -> SafeString:
        return badge(payment.status, PAYMENT_COLOURS.get(payment.status, ""))


@admin.register(Capture)
class CaptureAdmin(ExportedAdmin, ReadOnlyAdmin):
    """Money that PayPal took."""

    export_fields = (
        "payment__order__number",
        "paypal_id",
        "status",
        "amount",
        "currency",
        "is_settling",
        "recorded_at",
    )

    list_display = (
        "recorded_at",
        "order",
        "paypal_id",
        "status",
        "amount",
        "currency",
        "is_settling",
    )
    list_filter = ("status", "is_settling")
    list_select_related = ("payment__order",)
    search_exactly = ("paypal_id", "payment__order__number")
    ordering = ("-pk",)
    fields = ("payment", "paypal_id", "status", "amount", "currency", "is_settling", "recorded_at")

    @admin.display(description="order")
    def order(self, capture: Capture) -> str:
        return capture.payment.order.number


@admin.register(Refund)
class RefundAdmin(ExportedAdmin, ReadOnlyAdmin):
    """Money that goes back."""

    export_fields = (
        "capture__payment__order__number",
        "paypal_id",
        "status",
        "amount",
        "currency",
        "reason",
        "by",
        "requested_at",
    )

    list_display = ("requested_at", "order", "paypal_id", "status", "amount", "currency", "reason")
    list_filter = ("status", "reason")
    list_select_related = ("capture__payment__order",)
    search_exactly = ("paypal_id", "capture__paypal_id", "capture__payment__order__number")
    ordering = ("-pk",)

    @admin.display(description="order")
    def order(self, refund: Refund) -> str:
        return refund.capture.payment.order.number


@admin.register(WebhookReceipt)
class WebhookReceiptAdmin(ReadOnlyAdmin):
    """What PayPal told us, as it came."""

    list_display = ("received_at", "event_type", "event_id", "outcome", "processed_at")
    list_filter = (("try_at", admin.EmptyFieldListFilter),)
    search_exactly = ("event_id", "paypal_order_id")
    date_hierarchy = "received_at"
    ordering = ("-received_at",)
