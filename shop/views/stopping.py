"""Where the link at the end of a reminder leads, and where mail programs' buttons do."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from notifications.stopping import go_on, read_stop_token, stop


@csrf_exempt  # RFC 8058: the reader's mail program sends it, and it needs nothing but the link
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def stop_reminders(request: HttpRequest, token: str) -> HttpResponse:
    """Ask first: programs that look at every link of an email change nothing."""
    reader = read_stop_token(token)
    if reader is None:
        raise Http404
    state = "asked"
    if request.method == "POST":
        state = "going on" if "again" in request.POST else "stopped"
        (go_on if state == "going on" else stop)(reader)
    return render(request, "shop/stop_reminders.html", {"state": state})
