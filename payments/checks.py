"""What must be right before money can be taken."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from payments.money import CURRENCIES


@register()
def check_currency(**kwargs: Any) -> list[CheckMessage]:
    """Refuse a currency that PayPal does not take."""
    if settings.SHOP_CURRENCY in CURRENCIES:
        return []
    return [
        Error(
            f"SHOP_CURRENCY is {settings.SHOP_CURRENCY}, which PayPal does not take.",
            hint=f"Use one of {', '.join(sorted(CURRENCIES))}.",
            id="payments.E001",
        )
    ]
