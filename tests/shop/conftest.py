"""What the storefront's tests begin with."""

from decimal import Decimal

import pytest
from django.test import Client

from shop.models import Variant
from tests.factories import DeliveryMethodFactory, VariantFactory
from tests.shop.pages import put_in_cart


@pytest.fixture
def tea(client: Client) -> Variant:
    """Put a tea of $12.50, of which there are 10, in the cart; its delivery costs $4."""
    DeliveryMethodFactory.create()
    tea = VariantFactory.create(price=Decimal("12.50"))
    put_in_cart(client, tea)
    return tea
