"""What search engines read of a page: schema.org's Product and BreadcrumbList."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.urls import reverse
from django.utils.translation import gettext as _

from shop.catalogue import Listed, Offer
from shop.languages import address_in
from shop.models import Category
from shop.pictures import files_by_width

_SHOP_CARD = "shop/cards/shop.png"
_NO_PICTURE = "shop/shop"  # whose card is the shop's own


def card_address(picture: str) -> str:
    """Return the address of the picture a shared link shows: uploaded, a PNG, or the shop's."""
    if files := files_by_width(picture):
        return address_in("", f"{settings.MEDIA_URL}{files[max(files)]}")
    path = PurePosixPath(picture or _NO_PICTURE)
    try:
        card = staticfiles_storage.url(str(path.parent / "cards" / f"{path.stem}.png"))
    except ValueError:  # not in the manifest
        card = staticfiles_storage.url(_SHOP_CARD)
    return address_in("", card)


def product_data(listed: Listed) -> dict[str, Any]:
    """Describe a product with an offer for each of its variants."""
    product = listed.product
    address = address_in("", product.get_absolute_url())
    return {
        "@context": "https://schema.org",
        "@type": "Product",
        "@id": address,
        "name": product.name,
        "description": product.summary,
        "image": card_address(product.picture),
        "category": product.category.name,
        "sku": listed.offers[0].variant.sku,
        "offers": [_offer(offer, address) for offer in listed.offers],
    }


def _offer(offer: Offer, address: str) -> dict[str, Any]:
    variant = offer.variant
    return {
        "@type": "Offer",
        "url": address,
        "sku": variant.sku,
        **({"name": variant.name} if variant.name else {}),
        "price": f"{variant.price:f}",
        "priceCurrency": settings.SHOP_CURRENCY,
        "availability": f"https://schema.org/{'OutOfStock' if offer.is_sold_out else 'InStock'}",
        "itemCondition": "https://schema.org/NewCondition",
    }


def crumbs(category: Category | None, last: tuple[str, str] | None = None) -> dict[str, Any]:
    """Describe the way to a page; `last` is its own name and path, when it is not a shelf."""
    shelf = reverse("products")
    way: list[tuple[str, str]] = [(_("All things"), shelf)]
    if category:
        way.append((category.name, f"{shelf}?category={category.slug}"))
    return _breadcrumbs([*way, last] if last else way)


def _breadcrumbs(way: Sequence[tuple[str, str]]) -> dict[str, Any]:
    return {
        "@context": "https://schema.org",
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": n, "name": name, "item": address_in("", path)}
            for n, (name, path) in enumerate(way, 1)
        ],
    }
