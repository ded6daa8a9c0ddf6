"""The page from which a placement is followed that did not end in its own request."""

import uuid

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from orders.lifecycle import OrderStatus
from orders.models import Order
from shop import kept_form
from shop.cart import Cart
from shop.models import PlacementPromise
from shop.placement_records import PromiseStatus
from shop.promises import waiting_before
from shop.views.checkout import place, see_other

_REFUSALS: dict[str, Promise] = {
    "unavailable": _("While it waited in line, others bought what is missing now."),
    "price_changed": _("While it waited in line, a price changed. We ask before we charge that."),
    "delivery_unavailable": _("The way of delivery you chose no longer goes to your address."),
    "too_many_open_orders": _("Too many orders from here are unpaid. Pay or cancel one first."),
    "too_old": _("It waited so long that we let it go rather than surprise you."),
}
_FAILED = _("The fault is ours, and somebody looks at it. If it can still be placed, we write.")


@never_cache
@require_safe
def checkout_status(request: HttpRequest, checkout_key: uuid.UUID) -> HttpResponse:
    """Lead the visitor who owns the key on: to the payment, to the order, or through the wait.

    A form that was turned away for want of room a moment ago is tried again (`shop.kept_form`).
    """
    order = Order.objects.filter(checkout_key=checkout_key).first()
    promise = PlacementPromise.objects.filter(checkout_key=checkout_key).first()
    if promise is not None and not _is_answered(promise, order):
        return _tell(request, promise)
    if order is not None:
        return _lead_to(request, order)
    kept = kept_form.find(request, checkout_key)
    if kept is None:
        raise Http404
    return place(request, Cart.from_request(request), kept)


def _is_answered(promise: PlacementPromise, order: Order | None) -> bool:
    """Say whether the order is what became of the promise, not an earlier wish under its key."""
    if order is None:
        return False
    if promise.status == PromiseStatus.PLACED or order.placed_at >= promise.promised_at:
        return True
    is_over = order.status in {OrderStatus.FAILED, OrderStatus.CANCELLED}
    return order.fingerprint == promise.fingerprint and not is_over


def _lead_to(request: HttpRequest, order: Order) -> HttpResponse:
    _require_owner(request, order)
    target = order.get_absolute_url()
    if order.status == OrderStatus.PENDING:
        target = reverse("payment-start", args=[order.transaction_id])
    if request.GET.get("format") == "json":
        return JsonResponse({"state": "ready", "pay_url": request.build_absolute_uri(target)})
    return see_other(target)


def _tell(request: HttpRequest, promise: PlacementPromise) -> HttpResponse:
    _require_owner(request, promise)
    if promise.status == PromiseStatus.PLACED and promise.order is not None:
        return _lead_to(request, promise.order)  # its key went to a later order, gone since
    is_waiting = promise.status == PromiseStatus.WAITING
    if request.GET.get("format") == "json":
        return JsonResponse({"state": "waiting" if is_waiting else "failed", "pay_url": None})
    context = {
        "is_waiting": is_waiting,
        "before": waiting_before(promise) if is_waiting else 0,
        "why": _REFUSALS.get(promise.reason, _FAILED),
        "is_refused": promise.status == PromiseStatus.REFUSED,
    }
    return render(request, "shop/checkout_status.html", context)


def _require_owner(request: HttpRequest, thing: Order | PlacementPromise) -> None:
    if Cart.from_request(request).owns(thing.cart_id):
        return
    if not request.user.is_authenticated or thing.user_id != request.user.pk:
        raise Http404
