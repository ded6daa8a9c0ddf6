"""The page of one action: asks, refuses with a sentence, does it once, and says what was done."""

from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from django.contrib import messages
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import override

from inventory.returns import MoreThanSold
from lifecycles import IllegalTransition
from notifications.resending import NotResendable
from orders.fulfilment import FulfilmentRefused
from orders.models import Order
from orders.sent_forms import Taking, give_form_back, sent_since, take_form
from payments.endings import CannotCancel
from payments.gateway import GatewayError
from payments.refunds import RefundRefused
from payments.returning_goods import ReturnRefused
from shop.admin.order_actions import LABELS, OrderAction
from shop.admin.order_forms import OrderActionForm
from shop.timeline import timeline_of

if TYPE_CHECKING:
    from shop.admin.orders import OrderAdmin

_REFUSALS = (
    FulfilmentRefused,
    IllegalTransition,
    CannotCancel,
    RefundRefused,
    ReturnRefused,
    MoreThanSold,
    NotResendable,
)
_LATEST = 5


def order_action(
    admin: "OrderAdmin", request: HttpRequest, object_id: int, action: OrderAction
) -> HttpResponse:
    """Ask for what the action needs, or do it; the same form sent twice does it once."""
    user = cast("AbstractUser", request.user)
    if not action.is_for(user):
        raise PermissionDenied
    order = _find(object_id)
    form = action.form(request.POST if request.method == "POST" else None, order=order, user=user)
    if request.method != "POST":
        return _page(admin, request, action, form)
    if form.was_sent:
        return _sent_already(request, order)
    if not form.is_valid():
        return _page(admin, request, action, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return _send(admin, request, action, form)


def _send(
    admin: "OrderAdmin", request: HttpRequest, action: OrderAction, form: OrderActionForm
) -> HttpResponse:
    order, by, seen = form.order, form.user.get_username(), form.cleaned_data["seen"]
    taking = take_form(form_id=form.id, order_id=order.pk, action=action.name, by=by, seen=seen)
    if taking is Taking.SENT_BEFORE:
        return _sent_already(request, order)
    if taking is Taking.STALE:
        return _refuse(admin, request, action, form, _what_changed(action, form))
    refusal = str(action.why_not(order)) or _perform(admin, request, action, form)
    if not refusal:
        return redirect("admin:orders_order_change", order.pk)
    give_form_back(form.id)
    return _refuse(admin, request, action, form, refusal)


def _refuse(
    admin: "OrderAdmin",
    request: HttpRequest,
    action: OrderAction,
    form: OrderActionForm,
    refusal: str,
) -> HttpResponse:
    """Show the form again, what was typed in it, over the order as it is now."""
    anew = form.shown_anew(_find(form.order.pk))
    return _page(admin, request, action, anew, refusal=refusal, status=HTTPStatus.CONFLICT)


def _sent_already(request: HttpRequest, order: Order) -> HttpResponse:
    messages.info(request, _("This form was sent already. The order is as you see it."))
    return redirect("admin:orders_order_change", order.pk)


def _what_changed(action: OrderAction, form: OrderActionForm) -> str:
    """Say what happened to the order since its page was opened: who did what, if it was staff."""
    order = _find(form.order.pk)
    told = _("The order has changed since you opened this form.")
    if sent := sent_since(order, form.cleaned_data["seen"]):
        names = {"by": sent.by, "action": LABELS[sent.action]}
        told = _("%(by)s sent “%(action)s” after you opened this form.") % names
    advice = action.why_not(order) or _("Look at it, then send again.")
    return f"{told} {advice}"


def _perform(
    admin: "OrderAdmin", request: HttpRequest, action: OrderAction, form: OrderActionForm
) -> str:
    """Do it, log it, say so; return why it was refused, if it was."""
    try:
        is_news = action.perform(form, form.user.get_username())
    except _REFUSALS as error:
        return str(action.why_not(_find(form.order.pk)) or error)
    except GatewayError:
        return _("PayPal does not answer. Nothing is lost: the clock asks again by itself.")
    if not is_news:
        return _done_before(request, action, form)
    admin.log_change(request, form.order, _audited(action, form))
    messages.success(request, _("Done: %(action)s.") % {"action": action.label})
    return ""


def _done_before(request: HttpRequest, action: OrderAction, form: OrderActionForm) -> str:
    """Say that it was so already; that somebody else has done it is a refusal, with the reason."""
    why_not = str(action.why_not(_find(form.order.pk)))
    if not why_not:
        messages.info(request, _("Nothing was to be done: it is so already."))
    return why_not


def _audited(action: OrderAction, form: OrderActionForm) -> str:
    with override("en"):
        return f"{action.label}: {form.summary()}".strip(": ")


def _find(order_id: int) -> Order:
    return get_object_or_404(Order.objects.select_related("payment"), pk=order_id)


def _page(
    admin: "OrderAdmin",
    request: HttpRequest,
    action: OrderAction,
    form: OrderActionForm,
    *,
    refusal: str = "",
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    order = _find(form.order.pk)
    why_not = action.why_not(order)
    context = {
        **admin.admin_site.each_context(request),
        "title": action.label,
        "opts": Order._meta,
        "order": order,
        "action": action,
        "form": form,
        "refusal": refusal or why_not,
        "is_possible": not why_not,
        "latest": timeline_of(order)[-_LATEST:] if refusal or why_not else (),
    }
    status = HTTPStatus.CONFLICT if why_not else status
    return TemplateResponse(request, "admin/orders/order/action.html", context, status=status)
