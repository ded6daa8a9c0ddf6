"""What the shop tells search engines: where its pages are, and which are a shopper's own."""

from collections.abc import Iterator

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from shop.catalogue import find_products
from shop.languages import LANGUAGES, address_in
from shop.models import Category, ShopPage

_PRODUCTS_IN_ONE = 5000  # each in every language, and far below the 50,000 that are allowed
_FOR_SHOPPERS = ("/cart/", "/checkout/", "/orders/", "/payments/", "/accounts/", "/admin/")


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Say what is not to be read, and where the list of all pages is."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in _FOR_SHOPPERS)]
    lines.append(f"Sitemap: {address_in('', reverse('sitemap'))}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    """List the parts of the sitemap."""
    parts = [reverse("sitemap-part", args=[number]) for number in _products().page_range]
    context = {"addresses": [address_in("", part) for part in parts]}
    return render(request, "shop/sitemap_index.xml", context, content_type="application/xml")


@require_safe
def sitemap_part(request: HttpRequest, number: int) -> HttpResponse:
    """List some products in every language; the first part has all other pages, too."""
    products = _products()
    if number not in products.page_range:
        raise Http404
    paths = [
        *(_other_pages() if number == 1 else ()),
        *(reverse("product", args=[slug]) for slug in products.page(number)),
    ]
    pages = [[(code, address_in(code, path)) for code in ("", *LANGUAGES)] for path in paths]
    return render(request, "shop/sitemap.xml", {"pages": pages}, content_type="application/xml")


def _products() -> "Paginator[str]":
    slugs = find_products().order_by("pk").values_list("slug", flat=True)
    return Paginator(slugs, _PRODUCTS_IN_ONE)


def _other_pages() -> Iterator[str]:
    shelf = reverse("products")
    yield from (reverse("home"), shelf)
    for slug in Category.objects.values_list("slug", flat=True):
        yield f"{shelf}?category={slug}"
    for page in ShopPage.objects.all():
        yield page.get_absolute_url()
