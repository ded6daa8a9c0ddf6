"""An order's page (its receipt), cancelling it, and one's own orders."""

import hashlib
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import Min, Sum
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from inventory.lifecycle import HoldStatus
from inventory.models import StockHold
from notifications.tracing import name_in_log
from orders.lifecycle import FailureReason, OrderStatus
from orders.models import Order
from orders.tracking import tracking_url
from payments.endings import AlreadyShipped, PaymentInProgress, cancel_by_customer
from payments.lifecycle import PaymentStatus
from payments.models import Refund
from shop.cart import Cart
from shop.order_emails import SentEmail, emails_of
from shop.order_story import Story, tell

ORDERS_PER_PAGE = 20
_NEWS_FOR = timedelta(seconds=60)  # after a change its email may still be on the way
_PAID = frozenset(
    {
        PaymentStatus.REVIEW,
        PaymentStatus.SUCCESS,
        PaymentStatus.PARTIALLY_REFUNDED,
        PaymentStatus.REFUNDED,
    }
)
_REFUNDED = frozenset({PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED})


@never_cache
@require_safe
def order_page(request: HttpRequest, number: str, token: str) -> HttpResponse:
    """Show an order to whoever has its link; once it is paid, its cart is done with."""
    order = _find(number, token)
    context = _context(order)
    if request.GET.get("format") == "json":
        return JsonResponse({"version": context["version"], "poll": context["poll"]})
    cart = Cart.from_request(request)
    is_done_with = order.payment.status in _PAID and cart.id == order.cart_id
    if is_done_with:
        cart.start_anew()
        context["cart_count"] = 0
    response = render(request, "shop/order.html", context)
    if is_done_with:
        cart.save_to(response)
    return response


@never_cache
@require_POST
def cancel_order(request: HttpRequest, number: str, token: str) -> HttpResponse:
    """Cancel as far as it can be; an order that has ended stays as it is."""
    order = _find(number, token)
    try:
        cancel_by_customer(order_id=order.pk)
    except PaymentInProgress:
        refusal = _("Your payment is being confirmed: it cannot be cancelled at this moment.")
    except AlreadyShipped:
        refusal = _("The parcel has left us: it can no longer be cancelled.")
    else:
        response = redirect(order)
        response.status_code = 303
        return response
    context = {**_context(_find(number, token)), "refusal": refusal}
    context["here"] = order.get_absolute_url()
    return render(request, "shop/order.html", context, status=409)


@never_cache
@login_required
@require_safe
def order_history(request: HttpRequest) -> HttpResponse:
    """List the visitor's own orders, newest first."""
    orders = Order.objects.filter(user=cast("User", request.user)).order_by("-placed_at")
    page = Paginator(orders, ORDERS_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "shop/orders.html", {"page": page})


def _find(number: str, token: str) -> Order:
    orders = Order.objects.select_related("payment").prefetch_related(
        "lines", "transitions", "payment__attempts", "payment__captures"
    )
    order = orders.filter(number=number).first()
    if order is None or not constant_time_compare(order.token, token):
        raise Http404
    name_in_log(order=order.number, transaction_id=order.transaction_id)
    return order


def _context(order: Order) -> dict[str, Any]:
    held_until = _held_until(order)
    story = tell(order, order.payment, is_held=held_until is not None)
    emails = emails_of(order)
    return {
        "order": order,
        "story": story,
        "pay_until": min(held_until or order.expires_at, order.expires_at),
        "minutes_left": _minutes_to(held_until or order.expires_at),
        "emails": emails,
        "tracking_url": tracking_url(order.carrier, order.tracking_number),
        "can_reorder": order.status == OrderStatus.FAILED
        and order.reason != FailureReason.SUPERSEDED,
        "refunded": _refunded(order),
        "version": _version(order, story, emails, held_until),
        "poll": _poll(order, story, emails),
    }


def _held_until(order: Order) -> datetime | None:
    """Return when the first of its items is no longer set aside, if all of them are now."""
    if order.status != OrderStatus.PENDING:
        return None
    holds = StockHold.objects.filter(reference=order.transaction_id, status=HoldStatus.HELD)
    until: datetime | None = holds.aggregate(until=Min("held_until"))["until"]
    return until if until and until > timezone.now() else None


def _minutes_to(moment: datetime) -> int:
    return max(0, round((moment - timezone.now()).total_seconds() / 60))


def _refunded(order: Order) -> Decimal | None:
    if order.payment.status not in _REFUNDED:
        return None
    refunds = Refund.objects.filter(capture__payment=order.payment, status="COMPLETED")
    amount: Decimal | None = refunds.aggregate(sum=Sum("amount"))["sum"]
    return amount


def _poll(order: Order, story: Story, emails: list[SentEmail]) -> int | None:
    """Return in how many seconds the page is to look again; None: there will be no news."""
    changes = [step.at for step in order.transitions.all()]
    is_fresh = bool(changes) and changes[-1] > timezone.now() - _NEWS_FOR
    if order.status != OrderStatus.PENDING and is_fresh and not emails:
        return 2
    return story.poll_seconds


def _version(
    order: Order, story: Story, emails: list[SentEmail], held_until: datetime | None
) -> str:
    """Return what changes when anything on the page does."""
    told = f"{order.status} {order.payment.status} {story.headline} {story.sentence}"
    rest = f"{len(emails)} {held_until} {_refunded(order)} {order.cancel_wished_at}"
    return hashlib.sha256(f"{told} {rest}".encode()).hexdigest()[:16]
