"""What every storefront template can use."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from shop.cart import Cart


def storefront(request: HttpRequest) -> dict[str, Any]:
    """Give the shop's name, the cart's count and this page's address; asks no database."""
    is_page = request.method in {"GET", "HEAD"}
    return {
        "shop_name": settings.SHOP_NAME,
        "cart_count": len(Cart.from_request(request)),
        "here": request.get_full_path() if is_page else "/",
    }
