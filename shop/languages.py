"""One address for every language, and `?lang=` for whoever means one: search engines, links."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

LANGUAGES: Mapping[str, str] = dict(settings.LANGUAGES)
PARAMETER = "lang"


def address_in(language: str, path: str) -> str:
    """Return the whole address of a page in that language; without one, in the visitor's own."""
    if language:
        path += ("&" if "?" in path else "?") + urlencode({PARAMETER: language})
    return f"{settings.SHOP_URL}{path}"


def asked_language(request: HttpRequest) -> str:
    """Return the language this very address asks for, if it asks for one we speak."""
    asked = request.GET.get(PARAMETER, "")
    return asked if asked in LANGUAGES else ""


class LanguageMiddleware(LocaleMiddleware):
    """Speaks the language of `?lang=`, else of the visitor's choice, else of the browser.

    Whoever has chosen none yet keeps the one they came by; a choice made with the switch stays.
    """

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        if asked := asked_language(request):
            translation.activate(asked)
            request.LANGUAGE_CODE = asked

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        response = super().process_response(request, response)
        asked = asked_language(request)
        if asked and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME,
                asked,
                secure=settings.LANGUAGE_COOKIE_SECURE,
                httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
                samesite="Lax",
            )
        return response
