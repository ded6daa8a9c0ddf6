"""The shop window: home, list, product, and the shop's own pages."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from shop.bursts import SEARCHES
from shop.catalogue import SORTS, clean_query, find_product, find_products, list_products
from shop.models import Category, Product, ShopPage
from shop.page_text import render_page_text
from shop.search import search_products
from shop.structured_data import crumbs, product_data
from shop.views.errors import too_fast

PER_PAGE = 24


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Say what the shop is, and show some of it."""
    featured = list_products(find_products().filter(is_featured=True)[:8])
    hero = featured[::3][:3]  # not neighbours: they differ in colour
    context = {"featured": featured, "hero": hero, "categories": _categories_with_picture()}
    return render(request, "shop/home.html", context)


def _categories_with_picture() -> QuerySet[Category]:
    """Return the categories that sell something, each with a picture: its first product's."""
    on_sale = Product.objects.published().filter(category=OuterRef("pk"))
    first = on_sale.order_by("is_featured", "position", "slug").values("picture")[:1]
    return Category.objects.annotate(picture=Subquery(first)).exclude(picture=None)


@require_safe
def product_list(request: HttpRequest) -> HttpResponse:
    """List, search and sort."""
    query = clean_query(request.GET.get("q", ""))
    if query and (seconds := SEARCHES.seconds_to_wait(request)):
        return too_fast(request, seconds)
    categories = list(Category.objects.all())
    wanted = request.GET.get("category", "")
    category = next((c for c in categories if c.slug == wanted), None)
    if wanted and category is None:
        raise Http404
    sort = request.GET.get("sort", "")
    sort = sort if sort in SORTS else ""
    products = find_products(category=category.slug if category else "", sort=sort)
    found = search_products(products, query) if query else None
    shown = found.among(products, is_sorted=bool(sort)) if found else products
    page = Paginator(shown, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "query": query,
        "found": found,
        "categories": categories,
        "category": category,
        "sort": sort,
        "sorts": SORTS.items(),
        "page": page,
        "listed": list_products(page.object_list),
        "path": _list_path(category, page.number),
        "crumbs": crumbs(category),
    }
    return render(request, "shop/product_list.html", context)


def _list_path(category: Category | None, page: int) -> str:
    """Return the list's address for search engines, in the shop's own order."""
    query = {"category": category.slug} if category else {}
    query |= {"page": str(page)} if page > 1 else {}
    return reverse("products") + (f"?{urlencode(query)}" if query else "")


@require_safe
def product(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one product."""
    return render_product(request, slug)


def render_product(
    request: HttpRequest,
    slug: str,
    *,
    sku: str = "",
    quantity: str = "1",
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render a product's page; with an error, keep what was typed."""
    found = find_product(slug)
    if found is None:
        raise Http404
    listed, neighbours = found
    chosen = next((o for o in listed.offers if o.variant.sku == sku), listed.first_to_offer())
    context: dict[str, Any] = {
        "listed": listed,
        "product": listed.product,
        "category": listed.product.category,
        "pictures": listed.product.uploaded_pictures(),
        "chosen": chosen,
        "quantity": quantity,
        "error": error,
        "most": settings.MAX_QUANTITY_PER_LINE,
        "here": listed.product.get_absolute_url(),
        "related": neighbours,
        "linked": [
            product_data(listed),
            crumbs(
                listed.product.category,
                (listed.product.name, listed.product.get_absolute_url()),
            ),
        ],
    }
    return render(request, "shop/product.html", context, status=status)


@require_safe
def shop_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a page that staff edit."""
    page = get_object_or_404(ShopPage, slug=slug)
    context = {"page": page, "text": render_page_text(page.body)}
    return render(request, "shop/page.html", context)
