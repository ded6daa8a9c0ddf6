"""The admin's first page: today, what needs a hand, how the shop runs, the latest orders."""

from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import AbstractUser
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _

from inventory.models import Stock
from notifications.admin.lists import MOST_COUNTED
from notifications.models import DeadLetter
from orders.lifecycle import OrderStatus
from orders.models import Order
from payments.lifecycle import PaymentStatus
from shop.admin.history_chart import bars
from shop.admin.orders import ORDER_COLOURS
from shop.admin.running_parts import running_parts
from shop.models import BooksCheck, FailedPlacement
from shop.money import format_money
from shop.placement_records import FailureStatus
from shop.tallies import latest_days

_LATEST = 10
_FEWEST = 8
_RUNNING_OUT = Stock.objects.filter(on_hand__lte=F("held") + F("low_stock_threshold"))

admin.site.index_template = "shop/admin/index.html"
admin.site.index_title = _("What needs a hand")


@dataclass(frozen=True)
class Duty:
    """A number of rows that wait for a person, and where they are listed."""

    title: str | Promise
    rows: QuerySet[Any]
    query: str = ""

    @cached_property
    def found(self) -> int:
        """How many there are, or one more than the limit."""
        return self.rows.order_by()[: MOST_COUNTED + 1].count()

    @property
    def count(self) -> int:
        return min(self.found, MOST_COUNTED)

    @property
    def is_capped(self) -> bool:
        return self.found > MOST_COUNTED

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
            _RUNNING_OUT.all(),
            "?running_out=yes",
        ),
        Duty(
            _("Failed placements"),
            FailedPlacement.objects.filter(status=FailureStatus.OPEN),
            f"?status__exact={FailureStatus.OPEN}",
        ),
        Duty(
            _("Dead letters"),
            DeadLetter.objects.filter(replayed_at=None),
            "?replayed_at__isempty=1",
        ),
    ]


def add_dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what this person may see to the first page's context."""
    user = cast("AbstractUser", request.user)
    context["duties"] = [duty for duty in _duties() if duty.is_for(user)]
    if user.has_perm("orders.view_order"):
        latest = Order.objects.select_related("payment").order_by("-placed_at")[:_LATEST]
        context["latest"] = [(order, ORDER_COLOURS[order.status]) for order in latest]
    if user.has_perms(["orders.view_order", "payments.view_capture"]):
        context |= _figures()
    if user.has_perm("shop.view_intakereport"):
        context["running"] = list(running_parts())
    if user.has_perm("shop.view_bookscheck"):
        context["show_books"] = True
        context["books"] = BooksCheck.objects.first()
    if user.has_perm("inventory.view_stock"):
        context["running_out"] = _RUNNING_OUT.order_by(F("on_hand") - F("held"), "sku")[:_FEWEST]
    return context


def _figures() -> dict[str, Any]:
    """Return today's orders and takings, and two weeks of both as charts."""
    days = latest_days()
    names = [f"{one.day:%d.%m.}" for one in days]
    ends = (names[0], str(_("today")))
    orders = [one.orders for one in days]
    taken = [one.taken for one in days]
    charts = (
        bars(str(_("Orders by day")), names, [str(one) for one in orders], orders, ends),
        bars(
            str(_("Taken in by day")),
            names,
            [format_money(one, settings.SHOP_CURRENCY) for one in taken],
            [float(one) for one in taken],
            ends,
        ),
    )
    return {"today": days[-1], "currency": settings.SHOP_CURRENCY, "charts": charts}
