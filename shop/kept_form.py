"""A checkout form that was refused for want of room, kept in a signed cookie for a few minutes.

So the page can try again by itself without a script, which can repeat no POST: the form was sent
by its visitor, with a CSRF token, and its key makes one order of it however often it is tried.
"""

import uuid
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse

_SALT = "shop.kept_form"
_AGE = 10 * 60  # seconds
_LARGEST = 3500  # browsers drop a cookie of more than 4096 bytes


def fields(form: QueryDict) -> list[tuple[str, str]]:
    """Return what was sent, without its CSRF token."""
    sent = ((name, values) for name, values in form.lists() if name != "csrfmiddlewaretoken")
    return [(name, str(value)) for name, values in sent for value in values]


def keep(response: HttpResponse, form: QueryDict) -> None:
    """Keep the form; one that is too large for a cookie is left to the page's button."""
    value = signing.dumps(urlencode(fields(form)), salt=_SALT, compress=True)
    if len(value) <= _LARGEST:
        response.set_cookie(
            settings.FORM_COOKIE_NAME,
            value,
            max_age=_AGE,
            secure=settings.IS_HTTPS,
            httponly=True,
            samesite="Lax",
        )


def find(request: HttpRequest, checkout_key: uuid.UUID) -> QueryDict | None:
    """Return the form kept under this key, if there is one."""
    cookie = request.COOKIES.get(settings.FORM_COOKIE_NAME, "")
    try:
        form = QueryDict(signing.loads(cookie, salt=_SALT, max_age=_AGE))
        return form if uuid.UUID(form.get("checkout_key", "")) == checkout_key else None
    except (signing.BadSignature, ValueError):
        return None


def forget(request: HttpRequest, response: HttpResponse) -> None:
    if settings.FORM_COOKIE_NAME in request.COOKIES:
        response.delete_cookie(settings.FORM_COOKIE_NAME)


def address(form: QueryDict) -> str:
    """Return where the form is tried again."""
    try:
        return reverse("checkout-status", args=[uuid.UUID(form.get("checkout_key", ""))])
    except ValueError:
        return ""
