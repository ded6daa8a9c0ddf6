"""What every storefront template can use."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from shop.cart import Cart
from shop.languages import PARAMETER

# Addresses that take forms and show no page of their own.
_ONLY_SENT = frozenset({"cart-add", "cart-update", "order-cancel", "set_language"})


def storefront(request: HttpRequest) -> dict[str, Any]:
    """Give the shop's name, the cart's count and this page's address; asks no database."""
    return {
        "shop_name": settings.SHOP_NAME,
        "cart_count": len(Cart.from_request(request)),
        "here": _here(request),
    }


def _here(request: HttpRequest) -> str:
    """Return where the language switch leads back to: this page, a form's errors included."""
    match = request.resolver_match
    answers_get = request.method in {"GET", "HEAD"} or (
        match is not None and match.url_name not in _ONLY_SENT
    )
    return _without_language(request) if answers_get else "/"


def _without_language(request: HttpRequest) -> str:
    """Return this page's address as the switch is to find it: it speaks the chosen language."""
    if PARAMETER not in request.GET:
        return request.get_full_path()
    query = request.GET.copy()
    del query[PARAMETER]
    return f"{request.path}?{query.urlencode()}" if query else request.path
