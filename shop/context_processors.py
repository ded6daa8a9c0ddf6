"""What every storefront template can use."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def storefront(request: HttpRequest) -> dict[str, Any]:
    """Give the shop's name to templates; asks no database."""
    return {"shop_name": settings.SHOP_NAME}
