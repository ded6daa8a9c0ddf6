"""What `manage.py check` says of settings that cannot work."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from shop.models import PAGES_LINKED, ShopPage


def test_a_currency_that_paypal_does_not_take_is_refused(settings: Settings) -> None:
    settings.SHOP_CURRENCY = "VND"

    with pytest.raises(CommandError, match="SHOP_CURRENCY is VND, which PayPal does not take"):
        call_command("check")


@pytest.mark.django_db
def test_more_connections_than_postgresql_allows_are_told(settings: Settings) -> None:
    settings.WEB_DB_CONNECTIONS = 10_000
    said = StringIO()

    call_command("check", databases=["default"], stderr=said)

    assert "PostgreSQL allows" in said.getvalue()


@pytest.mark.django_db
def test_the_usual_settings_fit_postgresql(settings: Settings) -> None:
    settings.WEB_PROCESSES = 2
    for slug in PAGES_LINKED:
        ShopPage.objects.create(slug=slug, title_en=slug, body_en=slug)
    said = StringIO()

    call_command("check", databases=["default"], stderr=said)

    assert said.getvalue() == ""
