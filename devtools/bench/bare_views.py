"""The least that a webhook, a list and a product's page could be, served as the shop is.

The pages read the rows that the shop's own read, as Django's documentation has it, and write them
into templates without a layout: no middleware, one language, no cart, no form.
"""

import os
import uuid
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.db.models import F, OuterRef, Prefetch, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils import timezone

os.environ["DJANGO_SETTINGS_MODULE"] = "devtools.bench.bare_settings"

application = get_wsgi_application()


def insert(request: HttpRequest) -> HttpResponse:
    """Keep the body and answer."""
    from payments.models import WebhookReceipt

    WebhookReceipt.objects.create(
        event_id=str(uuid.uuid4()),
        event_type="BARE",
        body=request.body.decode(),
        received_at=timezone.now(),
    )
    return HttpResponse(status=200)


def product_list(request: HttpRequest) -> HttpResponse:
    """Show the categories and the first page of products."""
    from shop.models import Category
    from shop.views.catalogue import PER_PAGE

    products = _products().order_by("category__position", "position", "slug")
    context = {
        "categories": Category.objects.all(),
        "count": products.count(),
        "products": products[:PER_PAGE],
    }
    return render(request, "bare/list.html", context)


def product(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a product and four of its category."""
    found = get_object_or_404(_products().select_related("category"), slug=slug)
    others = _products().filter(category=found.category_id).exclude(pk=found.pk)
    context = {"product": found, "related": others[:4]}
    return render(request, "bare/product.html", context)


def _products() -> "QuerySet[Any]":
    from inventory.models import Stock
    from shop.models import Product, Variant

    stock = Stock.objects.filter(sku=OuterRef("sku")).values(left=F("on_hand") - F("held"))
    variants = Variant.objects.filter(is_published=True).annotate(left=Subquery(stock))
    products = Product.objects.filter(is_published=True)
    return products.prefetch_related(Prefetch("variants", variants))


urlpatterns = [
    path("", insert),
    path("products/", product_list),
    path("products/<slug:slug>/", product, name="product"),
]
