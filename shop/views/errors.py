"""Error pages in the shop's look; those for overload and a lost database ask no database."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from sqlalchemy.exc import TimeoutError as PoolTimeout

# django-db-connection-pool raises SQLAlchemy's own error when every connection is busy.
DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)
_RETRY_SECONDS = 10


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "shop/errors/400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "shop/errors/403.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "shop/errors/404.html", status=404)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose CSRF token is missing or old."""
    return render(request, "shop/errors/csrf.html", {"reason": reason}, status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what was not foreseen; Django has logged it."""
    if isinstance(sys.exc_info()[1], DATABASE_AWAY):
        return database_away(request)
    return render(request, "shop/errors/500.html", status=500)


def database_away(request: HttpRequest) -> HttpResponse:
    """Answer while PostgreSQL cannot be reached."""
    return _unavailable(request, "shop/errors/database.html", _RETRY_SECONDS)


def overloaded(request: HttpRequest, *, retry_after: int) -> HttpResponse:
    """Answer while more people order than can be served; the form is kept in the page."""
    return _unavailable(request, "shop/errors/overloaded.html", retry_after)


def _unavailable(request: HttpRequest, template: str, seconds: int) -> HttpResponse:
    kept = [
        (name, value)
        for name, values in request.POST.lists()
        if name != "csrfmiddlewaretoken"
        for value in values
    ]
    context = {"seconds": seconds, "kept": kept}
    response = render(request, template, context, status=503)
    response["Retry-After"] = str(seconds)
    response["Cache-Control"] = "no-store"
    return response
