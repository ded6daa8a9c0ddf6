"""The least that a webhook could be: a view with one insert, served as the shop is."""

import os
import uuid

from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone

os.environ["DJANGO_SETTINGS_MODULE"] = "devtools.bench.bare_settings"

application = get_wsgi_application()


def insert(request: HttpRequest) -> HttpResponse:
    """Keep the body and answer."""
    from payments.models import WebhookReceipt

    WebhookReceipt.objects.create(
        event_id=str(uuid.uuid4()),
        event_type="BARE",
        body=request.body.decode(),
        received_at=timezone.now(),
    )
    return HttpResponse(status=200)


urlpatterns = [path("", insert)]
