"""The cart: what is in it, adding, changing, removing."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from shop.cart import BadQuantity, Cart, CartFull, parse_quantity
from shop.catalogue import Offer, find_offer
from shop.contents import Contents, read_contents
from shop.countries import likely_country
from shop.quantities import QuantityRefused, wanted_quantity
from shop.views.catalogue import render_product


@never_cache
@require_safe
def cart_page(request: HttpRequest) -> HttpResponse:
    """Show the cart; a new price is said once, then counts as shown."""
    cart = Cart.from_request(request)
    contents = read_contents(cart, country=likely_country(request))
    response = render_cart(request, contents)
    if contents.take_new_prices():
        cart.save_to(response)
    return response


def render_cart(
    request: HttpRequest,
    contents: Contents,
    *,
    wrong_sku: str = "",
    typed: str = "",
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render the cart; with an error, keep what was typed beside its line."""
    context = {
        "contents": contents,
        "wrong_sku": wrong_sku,
        "typed": typed,
        "error": error,
        "most": settings.MAX_QUANTITY_PER_LINE,
        "here": reverse("cart"),
    }
    return render(request, "shop/cart.html", context, status=status)


@require_POST
def add_to_cart(request: HttpRequest) -> HttpResponse:
    """Put some of a SKU in the cart, beside those already there."""
    offer = _offer_or_404(request)
    sku = offer.variant.sku
    typed = request.POST.get("quantity", "")[:40]
    cart = Cart.from_request(request)
    had = cart.quantity_of(sku)
    try:
        quantity = wanted_quantity(typed, offer, already=had)
        _put(cart, offer, had + quantity)
    except QuantityRefused as refused:
        return _refuse(request, offer, typed, refused)
    messages.success(request, _("In your cart: %(name)s") % {"name": _name(offer)}, "added")
    return _saved(cart, offer.variant.product.get_absolute_url())


@require_POST
def update_cart(request: HttpRequest) -> HttpResponse:
    """Set a line's quantity; 0 removes it, even when it is no longer sold."""
    cart = Cart.from_request(request)
    sku = request.POST.get("sku", "")
    typed = request.POST.get("quantity", "")[:40]
    if sku in cart.items and _is_zero(typed):
        cart.remove(sku)
        return _saved(cart, "cart")
    offer = find_offer(_clean_sku(sku))
    if offer is None and sku not in cart.items:
        raise Http404
    try:
        _set_quantity(cart, offer, typed)
    except QuantityRefused as refused:
        contents, status = read_contents(cart, country=likely_country(request)), refused.status
        wrong = {"wrong_sku": sku, "typed": typed, "error": refused.message}
        return render_cart(request, contents, status=status, **wrong)
    return _saved(cart, "cart")


def _set_quantity(cart: Cart, offer: Offer | None, typed: str) -> None:
    if offer is None:
        raise QuantityRefused(_("This is no longer sold."), status=409)
    if not _is_zero(typed):  # nothing of it is in the cart: nothing to remove
        _put(cart, offer, wanted_quantity(typed, offer))


def _put(cart: Cart, offer: Offer, quantity: int) -> None:
    try:
        cart.put(offer.variant.sku, quantity, offer.variant.price)
    except CartFull:
        full = _("Your cart is full: order these things first.")
        raise QuantityRefused(full, status=422) from None


def _saved(cart: Cart, target: str) -> HttpResponse:
    response = redirect(target)
    response.status_code = 303
    cart.save_to(response)
    return response


def _refuse(
    request: HttpRequest, offer: Offer, typed: str, refused: QuantityRefused
) -> HttpResponse:
    return render_product(
        request,
        offer.variant.product.slug,
        sku=offer.variant.sku,
        quantity=typed,
        error=refused.message,
        status=refused.status,
    )


def _offer_or_404(request: HttpRequest) -> Offer:
    offer = find_offer(_clean_sku(request.POST.get("sku", "")))
    if offer is None:
        raise Http404
    return offer


def _clean_sku(sku: str) -> str:
    """Return the SKU as PostgreSQL can take it: it refuses text with a null character."""
    return sku.replace("\0", "")[:100]


def _is_zero(typed: str) -> bool:
    try:
        return parse_quantity(typed) == 0
    except BadQuantity:
        return False


def _name(offer: Offer) -> str:
    product, variant = offer.variant.product, offer.variant
    return f"{product.name} · {variant.name}" if variant.name else product.name
