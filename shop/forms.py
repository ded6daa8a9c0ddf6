"""What is typed into the checkout form, and what is wrong with it, in plain words."""

import re
import unicodedata
import uuid
from collections.abc import Collection
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from orders.placement import Contact
from shop.form_inputs import CountryField, CountrySelect, EmailInput, LineInput

_PHONE = re.compile(r"\A\+?[0-9(][0-9 ().\-/]{4,28}\Z")
# Characters that turn the direction of the text around them: they can disguise an address.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class LineOfText(forms.CharField):
    """One line, in Unicode's composed form, without characters that cannot be seen."""

    def to_python(self, value: Any) -> str:
        return unicodedata.normalize("NFC", super().to_python(value) or "")

    def validate(self, value: str) -> None:
        super().validate(value)
        if any(unicodedata.category(c) == "Cc" or c in _TURNING for c in value):
            raise ValidationError(_("Leave out characters that cannot be seen."), code="unseen")


def _line(
    label: Any, missing: Any, *, length: int, autocomplete: str, required: bool = True
) -> LineOfText:
    return LineOfText(
        label=label,
        max_length=length,
        required=required,
        error_messages={"required": missing},
        widget=LineInput(attrs={"autocomplete": autocomplete}),
    )


class CheckoutForm(forms.Form):
    """Who orders, where it goes, and how. Validates without a query.

    Its page sends along, in `listed`, each way of delivery with the total shown beside it
    (`slug:42.00`), so that the customer may choose without a script.
    """

    checkout_key = forms.UUIDField(
        required=False,
        widget=forms.HiddenInput,
        error_messages={"invalid": _("This form was out of date. Please send it once more.")},
    )
    email = forms.EmailField(
        label=_("Email"),
        max_length=254,
        help_text=_("For the receipt and news of this order, nothing else."),
        error_messages={
            "required": _("Enter your email address."),
            "invalid": _("Enter an email address such as name@example.com."),
        },
        widget=EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
    )
    full_name = _line(_("Full name"), _("Enter your name."), length=100, autocomplete="name")
    phone = LineOfText(
        label=_("Phone"),
        max_length=30,
        required=False,
        help_text=_("For the courier only."),
        widget=LineInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
    )
    line1 = _line(
        _("Address"),
        _("Enter the street and the house number."),
        length=200,
        autocomplete="shipping address-line1",
    )
    line2 = _line(
        _("Flat, floor, company"),
        "",
        length=200,
        autocomplete="shipping address-line2",
        required=False,
    )
    city = _line(
        _("City or town"),
        _("Enter the city or town."),
        length=100,
        autocomplete="shipping address-level2",
    )
    postal_code = _line(
        _("Postal code"), "", length=20, autocomplete="shipping postal-code", required=False
    )
    country = CountryField(
        label=_("Country"),
        error_messages={
            "required": _("Choose the country."),
            "invalid_choice": _("Choose a country from the list."),
        },
        widget=CountrySelect(attrs={"autocomplete": "shipping country"}),
    )
    delivery = forms.SlugField(
        label=_("Delivery"),
        max_length=50,
        required=False,
        error_messages={"invalid": _("Choose a way of delivery.")},
        widget=forms.HiddenInput,
    )
    shown_total = forms.CharField(required=False, widget=forms.HiddenInput)

    def offer_countries(self, codes: Collection[str]) -> None:
        """Let these countries be chosen, in the order of their names."""
        cast("CountrySelect", self.fields["country"].widget).offered = frozenset(codes)

    def clean_checkout_key(self) -> uuid.UUID:
        """Return the form's key; a client that sends none gets a new one."""
        key: uuid.UUID | None = self.cleaned_data["checkout_key"]
        return key or uuid.uuid4()

    def clean_phone(self) -> str:
        phone: str = self.cleaned_data["phone"]
        if phone and not _PHONE.match(phone):
            raise ValidationError(_("Enter a phone number such as +84 90 123 45 67."))
        return phone

    def contact(self) -> Contact:
        """Return who orders, of a valid form."""
        fields = ("email", "full_name", "phone", "line1", "line2", "city", "postal_code", "country")
        return Contact(**{name: self.cleaned_data[name] for name in fields})

    def total_shown(self) -> Decimal | None:
        """Return the total its customer saw beside the chosen delivery, if the form tells it."""
        listed = cast("QueryDict", self.data).getlist("listed")
        totals = dict(one.split(":", 1) for one in listed if ":" in one)
        return _amount(
            totals.get(self.cleaned_data["delivery"]) or self.cleaned_data["shown_total"]
        )


def _amount(text: str) -> Decimal | None:
    try:
        amount = Decimal(text).quantize(Decimal("0.01"))
    except InvalidOperation:  # empty, no number, or too large to be a price
        return None
    return amount if amount.is_finite() else None
