"""What load balancers and Prometheus ask."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from shop.health import check_health
from shop.operations import exposition


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer while the process is alive, whatever else is away."""
    return JsonResponse({"status": "alive"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether the shop can serve: 200 or 503, by the database and its migrations alone."""
    health = check_health()
    status = "ready" if health.is_ready else "unavailable"
    return JsonResponse({"status": status, **health.parts}, status=200 if health.is_ready else 503)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Give Prometheus what the shop measures, of every web process together."""
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)
