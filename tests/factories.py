"""Rows for tests. Orders go through the real `place_order`; nothing is patched together."""

import uuid
from decimal import Decimal
from typing import Any

from factory.declarations import PostGeneration, Sequence, SubFactory
from factory.django import DjangoModelFactory

from inventory.holds import set_stock
from orders.models import Order
from orders.placement import Contact
from shop.checkout import place_order
from shop.models import Category, DeliveryMethod, Product, Variant
from shop.placement import Placement


class CategoryFactory(DjangoModelFactory[Category]):
    """A shelf."""

    class Meta:
        model = Category

    slug = Sequence(lambda n: f"shelf-{n}")
    name_en = "Tea"
    name_vi = "Trà"


class ProductFactory(DjangoModelFactory[Product]):
    """A published product; it has no variant until one is made for it."""

    class Meta:
        model = Product

    slug = Sequence(lambda n: f"lotus-tea-{n}")
    category = SubFactory(CategoryFactory)
    name_en = "Lotus tea"
    name_vi = "Trà sen"


def _put_on_shelf(variant: Variant, _create: bool, pieces: int | None) -> None:
    set_stock(sku=variant.sku, on_hand=10 if pieces is None else pieces, by="factory")


class VariantFactory(DjangoModelFactory[Variant]):
    """A SKU with `stock` (10) pieces on the shelf."""

    class Meta:
        model = Variant
        skip_postgeneration_save = True

    product = SubFactory(ProductFactory)
    sku = Sequence(lambda n: f"TEA-{n:04}")
    name_en = "100 g"
    name_vi = "100 gam"
    price = Decimal("12.50")

    stock = PostGeneration(_put_on_shelf)


class DeliveryMethodFactory(DjangoModelFactory[DeliveryMethod]):
    """A way of delivery that goes everywhere."""

    class Meta:
        model = DeliveryMethod
        django_get_or_create = ("slug",)

    slug = "standard"
    name_en = "Standard delivery"
    name_vi = "Giao tiêu chuẩn"
    price = Decimal("4.00")


def contact(**changes: str) -> Contact:
    """Return a customer; `changes` are fields that differ."""
    return Contact(
        **{
            "email": "lan@example.com",
            "full_name": "Lan Nguyễn",
            "phone": "",
            "line1": "12 Hàng Gai",
            "line2": "",
            "city": "Hà Nội",
            "postal_code": "100000",
            "country": "VN",
            **changes,
        }
    )


def placement(*items: Variant | tuple[Variant, int], **changes: Any) -> Placement:
    """Return a wish for these variants (one of each, or so many), not placed yet.

    Without any it makes a variant; a way of delivery is made when there is none.
    """
    if not DeliveryMethod.objects.exists():
        DeliveryMethodFactory.create()
    wanted = [one if isinstance(one, tuple) else (one, 1) for one in items or [_variant()]]
    return Placement(
        **{
            "checkout_key": uuid.uuid4(),
            "cart_id": uuid.uuid4(),
            "items": tuple(sorted((variant.sku, quantity) for variant, quantity in wanted)),
            "contact": contact(),
            "delivery": "",
            "shown_total": None,
            "locale": "en",
            "user_id": None,
            "network_address": "127.0.0.1",
            **changes,
        }
    )


def placed_order(*items: Variant | tuple[Variant, int], **changes: Any) -> Order:
    """Place an order: PENDING, its stock held, its payment PENDING."""
    return place_order(placement(*items, **changes))


def _variant() -> Variant:
    return VariantFactory.create()
