"""Pages for what went wrong: the shop makes them, and the browser gets them in place of another.

What brings them about (floods, a lost database, a full queue) would harm the other shoppers of
the stack; tests of their own show when each comes.
"""

from collections.abc import Callable

from tests.browser.html_rules import html_problems
from tests.browser.shopper import Shopper

_ANSWERS = {
    "bad request": "bad_request(request, ValueError())",
    "forbidden": "forbidden(request, PermissionError())",
    "form too old": "csrf_failure(request)",
    "server error": "server_error(request)",
    "database away": "database_away(request, form=request.GET)",
    "overloaded": "overloaded(request, retry_after=900, form=request.GET)",
    "placement failed": "placement_failed(request, form=request.GET)",
    "too many orders": "too_many_orders(request, form=request.GET)",
    "too fast": "too_fast(request, 12)",
    "too many tries": "too_many_tries(request, 300)",
}
_MAKE = """
from uuid import uuid4
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.utils import translation
from shop.views import errors
request = RequestFactory().get("/checkout/", {{"checkout_key": uuid4(), "city": "Huế"}})
request.user = AnonymousUser()
with translation.override({language!r}):
    print(errors.{answer}.content.decode())
"""


def answered_with(answer: str) -> Callable[[Shopper], None]:
    """Return the way to that page; it is in the language of the browser."""

    def go(shopper: Shopper) -> None:
        language = shopper.page.evaluate("navigator.language.slice(0, 2)")
        html = shopper.shop_says(_MAKE.format(language=language, answer=answer))
        assert html_problems(html) == []
        shopper.page.route("**/checkout/", lambda route: route.fulfill(body=html))
        shopper.page.goto("/checkout/")

    return go


ERROR_STATES = {state: answered_with(answer) for state, answer in _ANSWERS.items()}
