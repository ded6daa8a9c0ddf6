"""What the admin's pages may load and run: a little more than the shop's, and nothing foreign."""

from collections.abc import Callable

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.http import HttpRequest, HttpResponse

# Alpine, which drives the admin's menus, evaluates attributes; unfold writes its colours into the
# page. No inline script runs.
ADMIN_POLICY = {
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
    "frame-src": [SELF],  # previews of emails, each under a policy of its own
}


class AdminPolicyMiddleware:
    """Widens the Content-Security-Policy for the admin's own pages, and for them alone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        match = request.resolver_match
        if match is not None and match.app_names[:1] == ["admin"]:
            response._csp_replace = ADMIN_POLICY  # type: ignore[attr-defined] # django-csp's hook
        return response
