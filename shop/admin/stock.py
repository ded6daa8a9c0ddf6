"""Stock, as staff change it: its threshold, and what a stocktake found."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from inventory.admin import StockAdmin
from inventory.holds import restock
from inventory.models import Stock
from shop.admin.catalogue_files import StockResource
from shop.admin.importing import ImportedAdmin
from shop.stocktake import MOST, holders, take_stock


class StocktakeForm(forms.ModelForm):  # type: ignore[type-arg]
    """The threshold, and how many pieces were counted, if any were."""

    counted = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=MOST,
        label=_("Counted"),
        help_text=_("How many pieces a stocktake found, those set aside for orders included."),
        widget=UnfoldAdminIntegerFieldWidget,
    )

    received = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST,
        label=_("Came in"),
        help_text=_("How many new pieces are put on the shelf, beside what is there."),
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("counted") is not None and cleaned.get("received"):
            raise forms.ValidationError(_("Say what was counted or what came in, not both."))
        return cleaned

    def clean_counted(self) -> int | None:
        """Refuse less than is held; the row stays locked, so that it remains so."""
        counted: int | None = self.cleaned_data["counted"]
        held = Stock.objects.locked().get(pk=self.instance.pk).held
        if counted is not None and counted < held:
            short = _("%(held)s are set aside for orders: there cannot be less.") % {"held": held}
            raise forms.ValidationError(f"{short} {holders(self.instance.pk)}")
        return counted


@admin.register(Stock)
class CountedStockAdmin(ImportedAdmin, StockAdmin):
    """What is on the shelf, and the place to correct it."""

    resources = (StockResource,)
    form = StocktakeForm
    fields = (*StockAdmin.fields, "counted", "received")

    def save_model(
        self,
        request: HttpRequest,
        obj: Stock,
        form: "forms.ModelForm[Stock]",
        change: bool,  # noqa: ARG002  Django's own
    ) -> None:
        """Write the threshold alone: what is on hand and held may have moved since it was read."""
        obj.save(update_fields=["low_stock_threshold"])
        counted: int | None = form.cleaned_data["counted"]
        if counted is not None:
            take_stock(sku=obj.sku, on_hand=counted, by=request.user.get_username())
        elif received := form.cleaned_data["received"]:
            restock(sku=obj.sku, pieces=received, by=request.user.get_username())
