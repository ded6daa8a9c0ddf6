"""The stages: switch each on or off, see its email as a real order would give it, test it."""

from datetime import timedelta
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from unfold.decorators import display

from notifications.admin.audit import AuditedAdmin
from notifications.emails import Unwritable
from notifications.models import DeliveryStatus, EmailDelivery, Event, StageSetting
from notifications.previews import (
    FORMS,
    NothingToShow,
    latest_order_number,
    preview,
    send_test,
)

_DAY = timedelta(days=1)
# Whatever an email holds, nothing in it runs, is sent anywhere or leaves its frame.
_PREVIEW_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' {shop}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox"
)


@admin.register(StageSetting)
class StageSettingAdmin(AuditedAdmin):
    """The stage table. Its rows come with the shop; staff turn the switches."""

    list_display = ("type", "to", "is_on", "purpose", "last_day")
    list_display_links = ("type",)
    fields = ("type", "to", "purpose", "default", "last_day", "enabled")
    readonly_fields = ("type", "to", "purpose", "default", "last_day")
    change_form_outer_after_template = "admin/notifications/stagesetting/preview.html"
    list_per_page = 100

    def get_queryset(self, *_: Any) -> QuerySet[StageSetting]:
        return StageSetting.objects.known().annotate(counts=_count_last_day())

    def get_urls(self) -> list[Any]:
        own = [
            path("<int:pk>/preview/", self._guard(self.preview_view), name="stage-preview"),
            path("<int:pk>/test/", self._guard(self.test_view), name="stage-test"),
        ]
        return [*own, *super().get_urls()]

    def has_add_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def has_delete_permission(self, *_: Any, **__: Any) -> bool:
        return False

    @display(description=gettext_lazy("to"))  # type: ignore[untyped-decorator]
    def to(self, switch: StageSetting) -> str:
        return switch.get_role_display()

    @display(  # type: ignore[untyped-decorator]
        description=gettext_lazy("mailed"), label={"on": "success", "off": "info"}
    )
    def is_on(self, switch: StageSetting) -> tuple[str, str]:
        return ("on", _("On")) if switch.enabled else ("off", _("Off"))

    @display(description=gettext_lazy("purpose"))  # type: ignore[untyped-decorator]
    def purpose(self, switch: StageSetting) -> str:
        return str(switch.stage.purpose)

    @display(description=gettext_lazy("default"))  # type: ignore[untyped-decorator]
    def default(self, switch: StageSetting) -> str:
        stage = switch.stage
        return f"{_('On') if stage.is_on else _('Off')}. {stage.why}"

    @display(description=gettext_lazy("last 24 hours"))  # type: ignore[untyped-decorator]
    def last_day(self, switch: StageSetting) -> str:
        counts = getattr(switch, "counts", [])
        words = (f"{DeliveryStatus(one['status']).label.lower()} {one['n']}" for one in counts)
        return " · ".join(words) or "–"

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        choice = _choice(request)
        context = {
            "choice": choice,
            "languages": settings.LANGUAGES,
            "forms": self._forms(object_id),
            "may_preview": _may_preview(request),
            "may_test": self.has_change_permission(request),
            **(extra_context or {}),
        }
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response

    def _forms(self, object_id: str) -> dict[str, Promise]:
        types = StageSetting.objects.filter(pk=object_id).values_list("type", flat=True)
        return FORMS.get(types.first() or "", {})

    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answer with the email alone, under a policy that lets nothing in it run."""
        if not (self.has_view_permission(request) and _may_preview(request)):
            raise PermissionDenied
        switch = get_object_or_404(StageSetting.objects.known(), pk=pk)
        choice = _choice(request)
        try:
            email = preview(switch.stage, **_wanted(choice))
        except NothingToShow:
            return _framed(_("There is no such order, or its customer was forgotten."), 404)
        except Unwritable as error:
            return _framed(error.error, 422)
        if request.GET.get("part") == "text":
            return _framed(f"{email.subject}\n\n{email.body}", 200)
        return _framed(str(email.alternatives[0][0]), 200, content_type="text/html")

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send the previewed email to whoever asks, and to nobody else."""
        if not (self.has_change_permission(request) and _may_preview(request)):
            raise PermissionDenied
        switch = get_object_or_404(StageSetting.objects.known(), pk=pk)
        page = redirect(reverse("admin:notifications_stagesetting_change", args=[pk]))
        if request.method == "POST":
            _send(request, switch, _choice(request))
        return page

    def _guard(self, view: Any) -> Any:
        return self.admin_site.admin_view(view)


def _send(request: HttpRequest, switch: StageSetting, choice: dict[str, str]) -> None:
    address = getattr(request.user, "email", "")
    if not address:
        messages.error(request, _("Your own account has no email address to send it to."))
        return
    try:
        send_test(switch.stage, to=address, **_wanted(choice))
    except NothingToShow:
        messages.error(request, _("There is no such order, or its customer was forgotten."))
    except Unwritable as error:
        messages.error(request, error.error)
    except (OSError, SMTPException) as error:
        text = _("The mail server did not take it: %(error)s") % {"error": error}
        messages.error(request, text)
    else:
        messages.success(request, _("A test is on its way to you."))


def _framed(content: str, status: int, *, content_type: str = "text/plain") -> HttpResponse:
    response = HttpResponse(content, status=status, content_type=f"{content_type}; charset=utf-8")
    response["Content-Security-Policy"] = _PREVIEW_POLICY.format(shop=settings.SHOP_URL)
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["Cache-Control"] = "no-store"
    return response


def _choice(request: HttpRequest) -> dict[str, str]:
    """Return which order, language, form and width were asked for; the latest order otherwise."""
    asked = request.POST if request.method == "POST" else request.GET
    language = asked.get("language", "")
    spoken = dict(settings.LANGUAGES)
    number = asked.get("order", "").strip().upper().replace("\0", "")[:64]
    return {
        "order": number or latest_order_number(),
        "language": language if language in spoken else (get_language() or "en")[:2],
        "form": asked.get("form", ""),
        "width": "phone" if asked.get("width") == "phone" else "desktop",
    }


def _wanted(choice: dict[str, str]) -> dict[str, str]:
    return {
        "number": choice["order"],
        "language": choice["language"],
        "form": choice["form"],
    }


def _may_preview(request: HttpRequest) -> bool:
    """Say whether they may see a customer's data, which a preview shows."""
    return request.user.has_perm(f"notifications.view_{Event._meta.model_name}")


def _count_last_day() -> ArraySubquery:
    """Return, for each stage, how many of its emails of the last 24 hours are in each state."""
    emails = EmailDelivery.objects.filter(
        event_type=OuterRef("type"),
        role=OuterRef("role"),
        created_at__gt=timezone.now() - _DAY,
    )
    counts = emails.order_by("status").values("status").annotate(n=Count("pk"))
    return ArraySubquery(counts.values(count=JSONObject(status="status", n="n")))
