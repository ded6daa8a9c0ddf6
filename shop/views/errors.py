"""Error pages in the shop's look; those for overload and a lost database ask no database."""

import sys
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shop import kept_form

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


def database_away(request: HttpRequest, *, form: QueryDict | None = None) -> HttpResponse:
    """Answer while PostgreSQL cannot be reached."""
    return _unavailable(request, "shop/errors/database.html", _RETRY_SECONDS, form=form)


def overloaded(request: HttpRequest, *, retry_after: int, form: QueryDict) -> HttpResponse:
    """Answer while more people order than can be served; it tries the form again by itself."""
    retry_at = kept_form.address(form)
    response = _unavailable(
        request, "shop/errors/overloaded.html", retry_after, form=form, retry_at=retry_at
    )
    if retry_at:
        kept_form.keep(response, form)
    return response


def placement_failed(request: HttpRequest, *, form: QueryDict) -> HttpResponse:
    """Answer a placement that ended in an error: kept for staff, and the form for another try."""
    context = {"kept": kept_form.fields(form), "retry_to": reverse("checkout")}
    return render(request, "shop/errors/placement.html", context, status=500)


def too_many_orders(request: HttpRequest, *, form: QueryDict) -> HttpResponse:
    """Answer who has as many unpaid orders as are allowed."""
    context = {"kept": kept_form.fields(form), "retry_to": reverse("checkout")}
    return render(request, "shop/errors/too_many_orders.html", context, status=429)


def too_fast(request: HttpRequest, seconds: int) -> HttpResponse:
    """Answer a network that searches or orders too fast; a form sent is kept for another try."""
    is_form = request.method == "POST"
    context = {
        "seconds": seconds,
        "kept": kept_form.fields(request.POST if is_form else request.GET),
        "retry_to": request.path if is_form else "",
    }
    response = render(request, "shop/errors/too_fast.html", context, status=429)
    response["Retry-After"] = str(seconds)
    response["Cache-Control"] = "no-store"
    return response


def too_many_tries(request: HttpRequest, seconds: int) -> HttpResponse:
    """Answer a form that was sent too often; what stood in it is not looked at."""
    context = {"minutes": max(1, round(seconds / 60))}
    response = render(request, "shop/errors/too_many_tries.html", context, status=429)
    response["Retry-After"] = str(seconds)
    response["Cache-Control"] = "no-store"
    return response


def locked_out(request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
    """Answer who mistyped a password too often, known name or not."""
    return too_many_tries(request, round(settings.AXES_COOLOFF_TIME.total_seconds()))


def _unavailable(
    request: HttpRequest,
    template: str,
    seconds: int,
    *,
    form: QueryDict | None = None,
    retry_at: str = "",
) -> HttpResponse:
    is_form = form is not None or request.method == "POST"
    context = {
        "seconds": seconds,
        "kept": kept_form.fields(request.POST if form is None else form),
        "retry_to": (reverse("checkout") if form is not None else request.path) if is_form else "",
        "retry_at": retry_at,
    }
    response = render(request, template, context, status=503)
    response["Retry-After"] = str(seconds)
    response["Cache-Control"] = "no-store"
    return response
