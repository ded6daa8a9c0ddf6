"""The page where staff send a CSV file of parcels, and read what became of each row."""

from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from django import forms
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget

from orders.bulk_shipping import (
    COLUMNS,
    MOST_BYTES,
    MOST_ROWS,
    Outcome,
    UnreadableFile,
    read_parcels,
    ship_parcels,
)
from orders.models import Order

if TYPE_CHECKING:
    from shop.admin.orders import OrderAdmin


class ParcelsForm(forms.Form):
    """The file."""

    file = forms.FileField(
        label=_("CSV file"), widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,text/csv"})
    )


def bulk_ship(admin: "OrderAdmin", request: HttpRequest) -> HttpResponse:
    """Ask for the file; ship its rows; say what became of each."""
    form = ParcelsForm(request.POST or None, request.FILES or None)
    outcomes: list[Outcome] = []
    if request.method == "POST" and form.is_valid():
        try:
            rows = read_parcels(form.cleaned_data["file"].read(MOST_BYTES + 1))
        except UnreadableFile as error:
            form.add_error("file", str(error))
        else:
            user = cast("AbstractUser", request.user)
            outcomes = ship_parcels(rows=rows, by=user.get_username())
            _log(admin, request, outcomes)
    is_refused = request.method == "POST" and not outcomes
    context = {
        **admin.admin_site.each_context(request),
        "title": _("Ship from CSV"),
        "opts": Order._meta,
        "form": form,
        "columns": ",".join(COLUMNS),
        "most": MOST_ROWS,
        "outcomes": outcomes,
        "shipped": sum(not one.refusal for one in outcomes),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if is_refused else HTTPStatus.OK
    return TemplateResponse(request, "admin/orders/order/bulk_ship.html", context, status=status)


def _log(admin: "OrderAdmin", request: HttpRequest, outcomes: list[Outcome]) -> None:
    for one in outcomes:
        if one.order is not None and not one.refusal:
            admin.log_change(
                request, one.order, f"Ship: {one.row.carrier} {one.row.tracking_number}"
            )
