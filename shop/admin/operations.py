"""The operations page: how the shop runs now, and what mends each thing that does not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import override

from notifications.admin import ReadOnlyAdmin
from notifications.admin.audit import note_about_many
from shop.admin.history_chart import chart
from shop.admin.mending import MENDINGS, Mending, refused_ones
from shop.models import IntakeReport
from shop.operations_report import OperationsReport, report

_LONG_SECONDS = 30.0


@dataclass(frozen=True)
class Part:
    """One figure, whether it is well, and where or how it is mended."""

    title: str | Promise
    figure: str
    is_well: bool
    command: str = ""
    rows: str = ""  # app.model whose list shows them
    mendings: tuple[str, ...] = ()  # the buttons of shop.admin.mending that do it

    @property
    def address(self) -> str:
        return reverse(f"admin:{self.rows.replace('.', '_')}_changelist")

    def may_look(self, request: HttpRequest) -> bool:
        app, _dot, model = self.rows.partition(".")
        return bool(self.rows) and request.user.has_perm(f"{app}.view_{model}")


@admin.register(IntakeReport)
class OperationsAdmin(ReadOnlyAdmin):
    """Instead of the list of reports: the page made of them."""

    def changelist_view(
        self,
        request: HttpRequest,
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002  Django's own
    ) -> HttpResponse:
        """Show the page, or with `?part=now` only what is renewed."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return self._mend(request)
        now = report()
        parts = [(one, one.may_look(request), _buttons(one, request)) for one in _parts(now)]
        context = {"report": now, "parts": parts, "charts": _charts(now)}
        if request.GET.get("part") == "now":
            return TemplateResponse(request, "shop/admin/_operations.html", context)
        whole = {**self.admin_site.each_context(request), "title": _("Operations"), **context}
        return TemplateResponse(request, "shop/admin/operations.html", whole)

    def _mend(self, request: HttpRequest) -> HttpResponse:
        """Do what a button of the page says, having asked where it asks, and come back to it."""
        name = request.POST.get("mend", "")
        mending = MENDINGS.get(name)
        if mending is None or not mending.is_for(request):
            raise PermissionDenied
        chosen = _chosen(request)
        if mending.asks and not chosen:
            context = {"title": mending.label, "name": name, "mending": mending}
            whole = {**self.admin_site.each_context(request), **context, "rows": refused_ones()}
            return TemplateResponse(request, "shop/admin/mend.html", whole)
        user = cast("User", request.user)
        told = mending.perform(user.get_username(), chosen)
        with override("en"):
            note_about_many(by=user, model=mending.rows, told=f"{mending.label}: {told}")
        self.message_user(request, f"{mending.label}: {told}")
        return redirect("admin:shop_intakereport_changelist")


def _chosen(request: HttpRequest) -> list[UUID]:
    try:
        return [UUID(one) for one in request.POST.getlist("chosen")]
    except ValueError as error:
        raise BadRequest("It is none of the rows that were shown.") from error


def _buttons(part: Part, request: HttpRequest) -> list[tuple[str, Mending]]:
    offered = [(name, MENDINGS[name]) for name in part.mendings]
    return [(name, one) for name, one in offered if one.is_for(request)]


def _parts(now: OperationsReport) -> Iterator[Part]:
    yield _kafka_part(now)
    yield Part(
        _("Events waiting for Kafka"),
        _events(now),
        now.outbox_oldest_seconds < _LONG_SECONDS,
        "manage.py run_outbox_relay",
        "notifications.outboxentry",
    )
    yield Part(
        _("Refused by Kafka"),
        str(now.quarantined),
        now.quarantined == 0,
        "manage.py republish_refused",
        "notifications.quarantinedevent",
        ("refused", "give-up") if now.quarantined else (),
    )
    yield Part(
        _("Dead letters"),
        str(now.dead_letters),
        now.dead_letters == 0,
        "manage.py replay_dead_letters",
        "notifications.deadletter",
        ("letters",) if now.dead_letters else (),
    )
    yield from _placements(now)
    yield from _programs(now)
    yield _duties(now)
    yield _books(now)


def _kafka_part(now: OperationsReport) -> Part:
    title, command = _("Messages no consumer has read"), "manage.py run_email_consumer"
    if now.lag is None:
        return Part(title, _("Kafka does not answer"), is_well=False, command=command)
    behind = [f"{partition}: {count}" for partition, count in sorted(now.lag.items()) if count]
    figure = str(now.unread)
    if behind:
        told = {"number": now.unread, "partitions": ", ".join(behind)}
        figure = _("%(number)s, by partition %(partitions)s") % told
    return Part(title, figure, now.unread == 0, command)


def _events(now: OperationsReport) -> str:
    if not now.outbox_depth:
        return "0"
    return _("%(number)s, the oldest for %(seconds)s s") % {
        "number": now.outbox_depth,
        "seconds": round(now.outbox_oldest_seconds),
    }


def _placements(now: OperationsReport) -> Iterator[Part]:
    retry = "manage.py retry_failed_placements --all"
    yield Part(
        _("Failed placements"),
        str(now.failed_placements),
        now.failed_placements == 0,
        retry,
        "shop.failedplacement",
        ("placements",) if now.failed_placements else (),
    )
    yield Part(
        _("Promised, not placed yet"),
        str(now.waiting_promises),
        now.waiting_promises == 0,
        "manage.py run_order_clock",
        "shop.placementpromise",
    )
    if now.has_spooled:
        told = _("there are some: taken in once PostgreSQL answers")
        command = "manage.py run_order_clock"
        yield Part(_("Placements in the spool"), told, is_well=False, command=command)


def _programs(now: OperationsReport) -> Iterator[Part]:
    commands = {
        "relay": "run_outbox_relay",
        "consumer": "run_email_consumer",
        "clock": "run_order_clock",
    }
    for program, age in now.heartbeats.items():
        told = _("not seen in the last hour")
        if age is not None:
            told = _("seen %(seconds)s s ago") % {"seconds": round(age)}
        is_well = age is not None and age < _LONG_SECONDS
        yield Part(program, told, is_well, f"manage.py {commands[program]}")


def _duties(now: OperationsReport) -> Part:
    told = ", ".join(
        _("%(duty)s failed (%(error)s, %(times)s times)")
        % {"duty": one.duty, "error": one.error, "times": one.times}
        for one in now.failing_duties
    )
    is_well = not now.failing_duties
    return Part(
        _("Duties of the clock"), told or _("none fails"), is_well, "manage.py run_order_clock"
    )


def _books(now: OperationsReport) -> Part:
    title, command = _("The books"), "manage.py check_books"
    if now.books is None:
        return Part(title, _("never checked"), is_well=False, command=command)
    told = _("%(number)s violations") % {"number": now.books.violations}
    if not now.books.violations:
        told = _("balanced")
    at = now.books.checked_at.strftime("%Y-%m-%d %H:%M UTC")
    return Part(title, f"{told} · {at}", not now.books.violations, command, "shop.bookscheck")


def _charts(now: OperationsReport) -> Sequence[SafeString]:
    minutes = now.history
    times = [minute.at for minute in minutes]
    return (
        chart(_("Orders asked for, by minute"), times, [one.done for one in minutes]),
        chart(_("Refused, by minute"), times, [one.refused for one in minutes]),
        chart(_("Failed, by minute"), times, [one.failed for one in minutes]),
        chart(_("Longest wait, seconds"), times, [round(one.longest_wait, 2) for one in minutes]),
        chart(_("Longest queue"), times, [one.most_queued for one in minutes]),
    )
