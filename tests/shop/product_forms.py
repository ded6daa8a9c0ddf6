"""The product's page in the admin, as a browser would send it back."""

from typing import Any

from django.test import Client
from django.urls import reverse

from shop.models import Product


def product_page(product: Product) -> str:
    return reverse("admin:shop_product_change", args=[product.pk])


def filled_product_form(client: Client, product: Product) -> dict[str, Any]:
    """Return what a browser would send for the product's page as it is."""
    context = client.get(product_page(product)).context
    forms = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.initial_forms]
    found = {
        form.add_prefix(name): form[name].value()
        for form in forms
        for name, field in form.fields.items()
        if not field.disabled
    }
    return {
        name: value for name, value in found.items() if value is not None and value is not False
    }
