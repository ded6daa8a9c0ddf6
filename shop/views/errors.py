"""Error pages in the shop's look; those for overload and a lost database ask no database."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose CSRF token is missing or old."""
    return render(request, "shop/errors/csrf.html", {"reason": reason}, status=403)
