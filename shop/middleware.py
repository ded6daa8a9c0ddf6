"""What the storefront does around every view."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from shop.views.errors import DATABASE_AWAY, database_away

logger = logging.getLogger(__name__)


class DatabaseAwayMiddleware:
    """Answers 503, in the shop's look, when a view cannot reach PostgreSQL."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DATABASE_AWAY):
            return None
        logger.error("The database did not answer %s.", request.path, exc_info=error)
        return database_away(request)
