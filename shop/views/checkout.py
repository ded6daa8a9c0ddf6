"""The one-page checkout."""

import uuid
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from notifications.tracing import name_in_log
from shop import intake, kept_form
from shop.accounts.address import known_address
from shop.bursts import CHECKOUTS
from shop.cart import Cart
from shop.contents import Contents, DeliveryOption, read_contents
from shop.countries import country_names, likely_country
from shop.forms import CheckoutForm
from shop.placement import (
    DeliveryUnavailable,
    ForeignCheckoutKey,
    LinesUnavailable,
    Placement,
    PlacementRefused,
    PriceChanged,
    TooManyOpenOrders,
    UnavailableLine,
)
from shop.spool import SpoolFailed
from shop.views.errors import (
    DATABASE_AWAY,
    database_away,
    overloaded,
    placement_failed,
    too_fast,
    too_many_orders,
)


class _WrongForm(Exception):
    """Something typed is wrong; the form says what."""


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def checkout(request: HttpRequest) -> HttpResponse:
    """Show the form; take it, place the order and lead on to PayPal."""
    if request.method == "POST" and (seconds := CHECKOUTS.seconds_to_wait(request)):
        return too_fast(request, seconds)
    cart = Cart.from_request(request)
    if not cart.items:
        messages.info(request, _("Your cart is empty. Choose something first."))
        return see_other(reverse("cart"))
    if request.method == "POST":
        if "adjust" in request.POST:
            return _adjust(request, cart)
        return place(request, cart, request.POST)
    contents = read_contents(cart)
    if not contents.can_be_ordered:
        return see_other(reverse("cart"))
    initial = {
        "checkout_key": uuid.uuid4(),
        "country": likely_country(request),
        **known_address(request.user),
    }
    return _page(request, contents, CheckoutForm(initial=initial))


def place(request: HttpRequest, cart: Cart, sent: QueryDict) -> HttpResponse:
    """Place the order. Where there is no room for it the form is not even read: no query, no work.

    `sent` is what the visitor sent, now or a moment ago.
    """
    form = CheckoutForm(sent)
    try:
        order = intake.place(lambda: _placement(request, cart, form))
    except _WrongForm:
        return _page(request, read_contents(cart), form, status=422)
    except PlacementRefused as refusal:
        return _refuse(request, cart, form, refusal)
    except intake.Overloaded as refusal:
        return overloaded(request, retry_after=refusal.retry_after, form=sent)
    except intake.Promised:
        key = form.cleaned_data["checkout_key"]
        response = see_other(reverse("checkout-status", args=[key]))
    except intake.PlacementFailed:
        return placement_failed(request, form=sent)
    except (SpoolFailed, *DATABASE_AWAY):
        return database_away(request, form=sent)
    else:
        name_in_log(order=order.number, transaction_id=order.transaction_id)
        response = see_other(reverse("payment-start", args=[order.transaction_id]))
    kept_form.forget(request, response)
    return response


def _refuse(
    request: HttpRequest, cart: Cart, form: CheckoutForm, refusal: PlacementRefused
) -> HttpResponse:
    """Say why nothing was ordered."""
    match refusal:
        case LinesUnavailable():
            return _page(request, read_contents(cart), form, short=refusal.lines, status=409)
        case PriceChanged():
            return _page(request, read_contents(cart), form, new_total=refusal.total, status=409)
        case DeliveryUnavailable():
            form.add_error("delivery", _("Choose a way of delivery that goes to this country."))
            return _page(request, read_contents(cart), form, status=422)
        case ForeignCheckoutKey():
            raise Http404
        case TooManyOpenOrders():
            return too_many_orders(request, form=cast("QueryDict", form.data))
        case _:
            raise refusal


def _placement(request: HttpRequest, cart: Cart, form: CheckoutForm) -> Placement:
    if not form.is_valid():
        raise _WrongForm
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
        response = see_other(reverse("cart"))
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
    form.offer_countries(_countries(options))
    chosen = _chosen(form, options)
    context: dict[str, Any] = {
        "form": form,
        "contents": contents,
        "options": options,
        "chosen": chosen,
        "total": chosen.total if chosen else contents.quote.items_total,
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


def _countries(options: Sequence[DeliveryOption]) -> Collection[str]:
    """Return the countries that some way of delivery goes to."""
    going = [option.method.countries for option in options]
    return set().union(*going) if all(going) else country_names()


def _going_to(options: Sequence[DeliveryOption], country: str) -> list[DeliveryOption]:
    return [option for option in options if option.method.goes_to(country)]


def see_other(address: str) -> HttpResponse:
    response = redirect(address)
    response.status_code = 303
    return response
