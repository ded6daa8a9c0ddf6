"""Orders for staff: a list that finds any of them, and a page that tells one's whole story."""

import re
from functools import partial
from typing import Any, ClassVar, cast

from django.contrib import admin
from django.contrib.auth.models import AbstractUser
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from inventory.lifecycle import HoldStatus
from inventory.models import StockHold
from notifications.admin import ReadOnlyAdmin
from notifications.admin.badges import badge
from notifications.exports import ExportedAdmin
from orders.lifecycle import OrderStatus
from orders.models import Order
from payments.admin import PAYMENT_COLOURS
from payments.lifecycle import PaymentStatus
from shop.admin.bulk_ship_page import bulk_ship
from shop.admin.order_action_page import order_action
from shop.admin.order_actions import ORDER_ACTIONS, actions_for
from shop.admin.order_email_page import order_email
from shop.money import format_money
from shop.order_story import tell
from shop.timeline import emails_about, timeline_of

# What the index of parts of words knows: three letters, or two that begin or end a word.
_PART_OF_A_WORD = re.compile(r"[^\W_]{3}|[^\W_]{2}[\W_]|[\W_][^\W_]{2}")
ORDER_COLOURS = {
    OrderStatus.PENDING.value: "info",
    OrderStatus.SUCCESS.value: "success",
    OrderStatus.SHIPPED.value: "primary",
    OrderStatus.DELIVERED.value: "primary",
    OrderStatus.FAILED.value: "danger",
    OrderStatus.CANCELLED.value: "warning",
}


class PaymentFilter(admin.ChoicesFieldListFilter):
    """By the payment's status, under a title that is not the order's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "payment"


class NeedsAHand(admin.SimpleListFilter):
    """Orders by what a person has to do about them."""

    title = _("needs a hand")
    parameter_name = "needs"
    rules: ClassVar = {
        "ship": (_("To ship"), Q(status=OrderStatus.SUCCESS)),
        "review": (_("In review at PayPal"), Q(payment__status=PaymentStatus.REVIEW)),
        "flag": (_("Flagged"), ~Q(flag="")),
        "wish": (
            _("Wish to cancel"),
            Q(status=OrderStatus.SUCCESS, cancel_wished_at__isnull=False),
        ),
    }

    def lookups(self, *_args: Any) -> list[tuple[str, Any]]:
        return [(name, title) for name, (title, _rule) in self.rules.items()]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        rule = self.rules.get(self.value() or "")
        return queryset.filter(rule[1]) if rule else queryset


@admin.register(Order)
class OrderAdmin(ExportedAdmin, ReadOnlyAdmin):
    """Orders move by what customers and PayPal do, never by editing their rows."""

    change_form_template = "admin/orders/order/change_form.html"
    export_fields = (
        "number",
        "placed_at",
        "status",
        "reason",
        "payment__status",
        "currency",
        "total",
        "email",
        "full_name",
        "phone",
        "line1",
        "line2",
        "postal_code",
        "city",
        "country",
        "delivery_name",
        "carrier",
        "tracking_number",
        "flag",
    )
    list_display = (
        "number",
        "state",
        "payment_state",
        "needs",
        "money",
        "email",
        "full_name",
        "placed_at",
    )
    list_filter = (
        NeedsAHand,
        "status",
        ("payment__status", PaymentFilter),
        "reason",
        ("flag", admin.EmptyFieldListFilter),
        ("cancel_wished_at", admin.EmptyFieldListFilter),
    )
    search_exactly = (
        "transaction_id",
        "payment__attempts__paypal_order_id",
        "payment__captures__paypal_id",
        "payment__captures__refunds__paypal_id",
    )
    search_help_text = _("Number, email, name, tracking number, any id of PayPal's")
    date_hierarchy = "placed_at"
    ordering = ("-placed_at",)
    view_on_site = False  # the page itself leads to the customer's

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        orders: QuerySet[Order] = super().get_queryset(request)
        return orders.select_related("payment")

    @display(description="status", ordering="status")  # type: ignore[untyped-decorator]
    def state(self, order: Order) -> SafeString:
        return badge(order.status, ORDER_COLOURS[order.status])

    @display(description="payment", ordering="payment__status")  # type: ignore[untyped-decorator]
    def payment_state(self, order: Order) -> SafeString:
        return badge(order.payment.status, PAYMENT_COLOURS.get(order.payment.status, ""))

    @display(description=_("needs a hand"))  # type: ignore[untyped-decorator]
    def needs(self, order: Order) -> SafeString | None:
        if order.flag:
            return badge(order.get_flag_display(), "danger")
        is_open = order.cancel_wished_at and order.status == OrderStatus.SUCCESS
        return badge(gettext("Wish to cancel"), "warning") if is_open else None

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Customers' addresses leave the shop with those alone who may take them."""
        return request.user.has_perm("orders.export_order")

    @display(description="total", ordering="total")  # type: ignore[untyped-decorator]
    def money(self, order: Order) -> str:
        return format_money(order.total, order.currency)

    def get_search_results(
        self, _request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        """Find orders by what people read out or paste."""
        term = search_term.strip()
        return (queryset.filter(self._about(term)) if term else queryset), False

    def _about(self, term: str) -> Q:
        """Return what finds orders by the term; each part of it has an index."""
        found = Q(number__startswith=term.upper())
        if not _PART_OF_A_WORD.search(term):
            return found
        for name in ("email", "full_name", "tracking_number"):
            found |= Q(**{f"{name}__icontains": term})
        return found | Q(pk__in=self.find_exactly(term))

    actions_list = ("ship_from_csv",)

    def has_ship_from_csv_permission(self, request: HttpRequest) -> bool:
        """Say whether the button is theirs.

        A permission named in the decorator would be looked up by the system checks, which run
        before the tables exist.
        """
        return request.user.has_perm("orders.ship_order")

    @action(description=_("Ship from CSV"), permissions=["ship_from_csv"], icon="upload")  # type: ignore[untyped-decorator]
    def ship_from_csv(self, request: HttpRequest) -> HttpResponse:
        return bulk_ship(self, request)

    def get_urls(self) -> list[URLPattern]:
        """Put a page for each action before those of the admin itself."""
        own = [
            path(
                f"<int:object_id>/{one.name}/",
                self.admin_site.admin_view(partial(order_action, self, action=one)),
                name=f"orders_order_{one.name}",
            )
            for one in ORDER_ACTIONS
        ]
        email = self.admin_site.admin_view(partial(order_email, self))
        place = "<int:object_id>/emails/<int:delivery_id>/"
        own.append(path(place, email, name="orders_order_email"))
        return [*own, *super().get_urls()]

    def get_fieldsets(self, *_: Any, **__: Any) -> list[Any]:
        """Return none: the template tells the order, in the admin's frame."""
        return []

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        order = context["original"]
        user = cast("AbstractUser", request.user)
        response: HttpResponse = super().render_change_form(
            request, context | _page(order, user), *args, **kwargs
        )
        return response


def _page(order: Order, user: AbstractUser) -> dict[str, Any]:
    emails = emails_about(order)
    timeline = timeline_of(order, emails=emails)  # what it fetches serves the whole page
    payment = order.payment
    holds = StockHold.objects.filter(reference=order.transaction_id).order_by("stock")
    is_held = any(hold.status == HoldStatus.HELD for hold in holds)
    return {
        "order": order,
        "order_colour": ORDER_COLOURS[order.status],
        "payment": payment,
        "payment_colour": PAYMENT_COLOURS.get(payment.status, "warning"),
        "story": tell(order, payment, is_held=is_held),
        "actions": actions_for(order, user),
        "lines": order.lines.all(),
        "attempts": payment.attempts.all(),
        "captures": payment.captures.all(),
        "holds": holds,
        "emails": emails,
        "timeline": timeline,
    }
