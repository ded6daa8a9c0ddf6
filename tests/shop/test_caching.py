"""Who may keep what the shop answers: static files everybody for good, a visitor's pages nobody."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.http import HttpResponse
from django.http.response import ResponseHeaders
from django.test import Client, RequestFactory
from pytest_django import Settings
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]

from shop.models import Variant
from tests.factories import VariantFactory, placed_order

pytestmark = pytest.mark.django_db

_AS_IN_PRODUCTION = "whitenoise.storage.CompressedManifestStaticFilesStorage"


@pytest.mark.parametrize("address", ["/", "/products/", "/products/{slug}/", "/nothing/"])
def test_page_of_the_window_is_its_visitors_and_asked_for_anew(
    client: Client, address: str
) -> None:
    slug = VariantFactory.create().product.slug
    answer = client.get(address.format(slug=slug))
    assert answer["Cache-Control"] == "private, no-cache"
    assert {"Cookie", "Accept-Language"} <= set(answer["Vary"].split(", "))


@pytest.mark.parametrize(
    "address", ["/cart/", "/checkout/", "/orders/", "/accounts/login/", "/accounts/email/"]
)
def test_page_about_a_customer_is_kept_nowhere(
    client: Client, tea: Variant, django_user_model: Any, address: str
) -> None:
    lan = django_user_model.objects.create_user("lan", "lan@example.com", "secret")
    if address != "/accounts/login/":
        client.force_login(lan, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get(address)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


def test_order_is_kept_nowhere(client: Client) -> None:
    assert "no-store" in client.get(placed_order().get_absolute_url())["Cache-Control"]


@pytest.fixture
def files(settings: Settings, tmp_path: Path) -> list[str]:
    """Collect the shop's own files as for production; return the addresses of one of each kind."""
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": _AS_IN_PRODUCTION}}
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATICFILES_DIRS = [settings.BASE_DIR / "shop" / "static"]
    settings.STATIC_ROOT = tmp_path
    settings.WHITENOISE_AUTOREFRESH = False
    call_command("collectstatic", interactive=False, verbosity=0)
    return [staticfiles_storage.url(f"shop/{name}") for name in ("shop.css", "shop.js", "logo.svg")]


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_static_files_come_compressed_and_are_kept_for_good(
    files: list[str], encoding: str
) -> None:
    for address in files:
        whole, small = _headers_of(address, "identity"), _headers_of(address, encoding)
        assert small["Content-Encoding"] == encoding, address
        assert small["Cache-Control"] == "max-age=315360000, public, immutable", address
        assert small["Vary"] == "Accept-Encoding", address
        assert int(small["Content-Length"]) < int(whole["Content-Length"]), address


def _headers_of(address: str, encoding: str) -> ResponseHeaders:
    serve = WhiteNoiseMiddleware(lambda _: HttpResponse(status=404))
    with closing(serve(RequestFactory().get(address, headers={"accept-encoding": encoding}))) as it:
        assert it.status_code == 200, address
        headers: ResponseHeaders = it.headers
        return headers
