"""The admin's first page: what needs a hand, and the latest orders."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import AbstractUser
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from inventory.models import Stock
from notifications.models import DeadLetter
from orders.lifecycle import OrderStatus
from orders.models import Order
from payments.lifecycle import PaymentStatus
from shop.admin.orders import ORDER_COLOURS
from shop.models import BooksCheck

_LATEST = 10

admin.site.index_template = "shop/admin/index.html"
admin.site.index_title = _("What needs a hand")


@dataclass(frozen=True)
class Duty:
    """A number of rows that wait for a person, and where they are listed."""

    title: str | Promise
    rows: QuerySet[Any]
    query: str = ""

    @property
    def count(self) -> int:
        return self.rows.count()

    @property
    def address(self) -> str:
        names = self.rows.model._meta
        return reverse(f"admin:{names.app_label}_{names.model_name}_changelist") + self.query

    def is_for(self, user: AbstractUser) -> bool:
        names = self.rows.model._meta
        return user.has_perm(f"{names.app_label}.view_{names.model_name}")


def _duties() -> list[Duty]:
    orders = Order.objects.order_by()
    return [
        Duty(
            _("To ship"),
            orders.filter(status=OrderStatus.SUCCESS),
            f"?status__exact={OrderStatus.SUCCESS}",
        ),
        Duty(
            _("In review at PayPal"),
            orders.filter(payment__status=PaymentStatus.REVIEW),
            f"?payment__status__exact={PaymentStatus.REVIEW}",
        ),
        Duty(_("Flagged"), orders.filter(~Q(flag="")), "?flag__isempty=0"),
        Duty(
            _("Wish to cancel"),
            orders.filter(status=OrderStatus.SUCCESS, cancel_wished_at__isnull=False),
            f"?cancel_wished_at__isempty=0&status__exact={OrderStatus.SUCCESS}",
        ),
        Duty(
            _("Stock running out"),
            Stock.objects.filter(on_hand__lte=F("held") + F("low_stock_threshold")),
            "?running_out=yes",
        ),
        Duty(
            _("Dead letters"),
            DeadLetter.objects.filter(replayed_at=None),
            "?replayed_at__isempty=1",
        ),
    ]


def add_dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what this person may see to the first page's context."""
    user = request.user
    context["duties"] = [duty for duty in _duties() if duty.is_for(user)]  # type: ignore[arg-type]
    if user.has_perm("orders.view_order"):
        latest = Order.objects.select_related("payment").order_by("-placed_at")[:_LATEST]
        context["latest"] = [(order, ORDER_COLOURS[order.status]) for order in latest]
    if user.has_perm("shop.view_bookscheck"):
        context["show_books"] = True
        context["books"] = BooksCheck.objects.first()
    return context
