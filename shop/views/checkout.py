"""The one-page checkout, and the page a waiting order is followed from."""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from orders.lifecycle import OrderStatus
from orders.models import Order
from shop import intake
from shop.cart import Cart
from shop.checkout import (
    DeliveryUnavailable,
    ForeignCheckoutKey,
    LinesUnavailable,
    Placement,
    PriceChanged,
    UnavailableLine,
)
from shop.contents import Contents, DeliveryOption, read_contents
from shop.countries import country_names, likely_country
from shop.forms import CheckoutForm
from shop.views.errors import overloaded


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def checkout(request: HttpRequest) -> HttpResponse:
    """Show the form; take it, place the order and lead on to PayPal."""
    cart = Cart.from_request(request)
    if not cart.items:
        messages.info(request, _("Your cart is empty. Choose something first."))
        return _see_other(reverse("cart"))
    if request.method == "POST":
        if "adjust" in request.POST:
            return _adjust(request, cart)
        return _place(request, cart)
    contents = read_contents(cart)
    if not contents.can_be_ordered:
        return _see_other(reverse("cart"))
    initial = {
        "checkout_key": uuid.uuid4(),
        "country": likely_country(request),
        "email": request.user.email if request.user.is_authenticated else "",
    }
    return _page(request, contents, CheckoutForm(initial=initial))


def _place(request: HttpRequest, cart: Cart) -> HttpResponse:
    """Place the order. A browser's form needs no query here, so that a refusal needs none."""
    form = CheckoutForm(request.POST)
    if not form.is_valid():
        return _page(request, read_contents(cart), form, status=422)
    try:
        order = intake.place(_placement(request, cart, form))
    except LinesUnavailable as refusal:
        return _page(request, read_contents(cart), form, short=refusal.lines, status=409)
    except PriceChanged as refusal:
        return _page(request, read_contents(cart), form, new_total=refusal.total, status=409)
    except DeliveryUnavailable:
        form.add_error("delivery", _("Choose a way of delivery that goes to this country."))
        return _page(request, read_contents(cart), form, status=422)
    except ForeignCheckoutKey:
        raise Http404 from None
    except intake.Overloaded as refusal:
        return overloaded(request, retry_after=refusal.retry_after)
    return _see_other(reverse("payment-start", args=[order.transaction_id]))


def _placement(request: HttpRequest, cart: Cart, form: CheckoutForm) -> Placement:
    return Placement(
        checkout_key=form.cleaned_data["checkout_key"],
        cart_id=cart.id,
        items=cart.quantities,
        contact=form.contact(),
        delivery=form.cleaned_data["delivery"],
        shown_total=form.total_shown(),
        locale=(get_language() or "en")[:2],
        user_id=request.user.pk if request.user.is_authenticated else None,
        network_address=request.META.get("REMOTE_ADDR") or None,
    )


def _adjust(request: HttpRequest, cart: Cart) -> HttpResponse:
    """Take what is left of each line, keep the form, and show what it comes to now."""
    for line in read_contents(cart).lines:
        if line.available == 0:
            cart.remove(line.sku)
        elif line.quoted and line.is_short:
            cart.put(line.sku, line.available, line.quoted.variant.price)
    if cart.items:
        response = _page(request, read_contents(cart), CheckoutForm(request.POST), is_bare=True)
    else:
        messages.info(request, _("Nothing of it is left. Nothing was ordered."))
        response = _see_other(reverse("cart"))
    cart.save_to(response)
    return response


def _page(
    request: HttpRequest,
    contents: Contents,
    form: CheckoutForm,
    *,
    short: Sequence[UnavailableLine] = (),
    new_total: Decimal | None = None,
    is_bare: bool = False,
    status: int = 200,
) -> HttpResponse:
    """Render the form with what was typed; `is_bare`: without remarks on what is missing."""
    options = contents.delivery_options()
    form.offer_countries([c for c in country_names() if _going_to(options, c)])
    context: dict[str, Any] = {
        "form": form,
        "contents": contents,
        "options": options,
        "chosen": _chosen(form, options),
        "checkout_key": _key(form),
        "wrong": [] if is_bare else [field for field in form if field.errors],
        "is_bare": is_bare,
        "short": short,
        "new_total": new_total,
    }
    return render(request, "shop/checkout.html", context, status=status)


def _chosen(form: CheckoutForm, options: Sequence[DeliveryOption]) -> DeliveryOption | None:
    """Return the delivery that was sent, or the cheapest that goes there."""
    going = _going_to(options, str(form["country"].value() or "")) or options
    sent = form["delivery"].value()
    return next((one for one in going if one.slug == sent), going[0] if going else None)


def _key(form: CheckoutForm) -> uuid.UUID:
    """Return the key this form keeps over its errors, or a new one for a malformed one."""
    try:
        return uuid.UUID(str(form["checkout_key"].value()))
    except ValueError:
        return uuid.uuid4()


def _going_to(options: Sequence[DeliveryOption], country: str) -> list[DeliveryOption]:
    return [option for option in options if option.method.goes_to(country)]


@never_cache
@require_safe
def checkout_status(request: HttpRequest, checkout_key: uuid.UUID) -> HttpResponse:
    """Lead the visitor who owns the key to the payment, or to the order once it is past that."""
    order = Order.objects.filter(checkout_key=checkout_key).first()
    if order is None or not _is_theirs(request, order):
        raise Http404
    target = order.get_absolute_url()
    if order.status == OrderStatus.PENDING:
        target = reverse("payment-start", args=[order.transaction_id])
    if request.GET.get("format") == "json":
        return JsonResponse({"state": "ready", "pay_url": request.build_absolute_uri(target)})
    return _see_other(target)


def _is_theirs(request: HttpRequest, order: Order) -> bool:
    if Cart.from_request(request).owns(order.cart_id):
        return True
    return request.user.is_authenticated and order.user_id == request.user.pk


def _see_other(address: str) -> HttpResponse:
    response = redirect(address)
    response.status_code = 303
    return response
