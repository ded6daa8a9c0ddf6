"""The forms of what staff do with an order."""

import uuid
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from unfold.widgets import INPUT_CLASSES, SELECT_CLASSES, TEXTAREA_CLASSES

from notifications.models import EmailDelivery
from notifications.stages import Role
from orders.models import Order, OrderLine
from orders.sent_forms import is_taken, state_of
from payments.models import Capture, Payment
from payments.refunds import left_to_refund
from payments.returning_goods import ReturnedPieces
from shop.countries import country_names
from shop.forms import CheckoutForm, LineOfText
from shop.money import format_money


def _carrier() -> LineOfText:
    return LineOfText(max_length=60, label=_("Carrier"))


def _tracking_number() -> LineOfText:
    return LineOfText(max_length=100, label=_("Tracking number"), required=False)


class OrderActionForm(forms.Form):
    """What each of them bears: its own id, and how the order stood when it was shown."""

    form_id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, data: QueryDict | None = None, *, order: Order, user: AbstractUser, **kwargs: Any
    ) -> None:
        self.order, self.user = order, user
        initial = {"form_id": uuid.uuid4(), "seen": state_of(order), **self.values()}
        super().__init__(data, initial=initial, **kwargs)
        self.make_fields()
        for field in self.fields.values():
            _dress(field.widget)

    def values(self) -> dict[str, Any]:
        """Return what the form shows at first."""
        return {}

    def make_fields(self) -> None:
        """Add the fields that depend on the order."""

    def shown_anew(self, order: Order) -> "OrderActionForm":
        """Return the form with what was typed, over the order as it is now."""
        data = cast("QueryDict", self.data).copy()
        data["seen"] = state_of(order)
        return type(self)(data, order=order, user=self.user)

    def clean_form_id(self) -> uuid.UUID:
        """Return the form's own id; a client that sends none gets a new one."""
        given: uuid.UUID | None = self.cleaned_data["form_id"]
        return given or uuid.uuid4()

    @property
    def id(self) -> uuid.UUID:
        """Return the id of a valid form."""
        own: uuid.UUID = self.cleaned_data["form_id"]
        return own

    @property
    def was_sent(self) -> bool:
        """Say whether this very form was sent before, valid or not by now."""
        return is_taken(self.data.get("form_id", ""))

    def summary(self) -> str:
        """Return what the audit trail says of it."""
        return ""


class ShipForm(OrderActionForm):
    """How the parcel travels."""

    carrier = _carrier()
    tracking_number = _tracking_number()

    def summary(self) -> str:
        return "{carrier} {tracking_number}".format(**self.cleaned_data).strip()


class CancelForm(OrderActionForm):
    """Why; the customer reads it."""

    reason = LineOfText(
        max_length=200, label=_("Reason"), help_text=_("The customer reads it in the email.")
    )


class RefundForm(OrderActionForm):
    """How much goes back, at most what is left."""

    amount = forms.DecimalField(label=_("Amount"), max_digits=12, min_value=Decimal("0.01"))
    reason = LineOfText(max_length=60, required=False, label=_("Reason"))

    def values(self) -> dict[str, Any]:
        return {"amount": left_of(self.order)}

    def make_fields(self) -> None:
        left = format_money(left_of(self.order), self.order.currency)
        self.fields["amount"].help_text = _("%(left)s is left to refund.") % {"left": left}

    def summary(self) -> str:
        return f"{self.cleaned_data['amount']} {self.order.currency}"


class StrayForm(OrderActionForm):
    """Which money that pays for nothing goes back."""

    capture = forms.ChoiceField(label=_("Money"))

    def make_fields(self) -> None:
        choices = [
            (one.pk, f"{one.paypal_id} · {format_money(left, one.currency)}")
            for one, left in stray_money_of(self.order)
        ]
        cast("forms.ChoiceField", self.fields["capture"]).choices = choices

    def summary(self) -> str:
        return str(
            dict(cast("Any", self.fields["capture"]).choices)[int(self.cleaned_data["capture"])]
        )


class NoteForm(OrderActionForm):
    """Words for the colleagues."""

    note = forms.CharField(
        label=_("Note"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )


class ResendForm(OrderActionForm):
    """Which of the order's emails."""

    delivery = forms.ChoiceField(label=_("Email"))

    def make_fields(self) -> None:
        told = emails_to_customer(self.order).order_by("-pk")
        choices = [
            (
                one.pk,
                f"{one.event_type} · {one.created_at:%Y-%m-%d %H:%M} · {one.get_status_display()}",
            )
            for one in told
        ]
        cast("forms.ChoiceField", self.fields["delivery"]).choices = choices


class CorrectForm(OrderActionForm, CheckoutForm):
    """Whom it goes to and where; how it travels, once it was shipped."""

    checkout_key = None  # type: ignore[assignment] # not asked here
    delivery = None  # type: ignore[assignment]
    shown_total = None  # type: ignore[assignment]

    def values(self) -> dict[str, Any]:
        names = ("email", "full_name", "phone", "line1", "line2", "city", "postal_code", "country")
        return {name: getattr(self.order, name) for name in (*names, "carrier", "tracking_number")}

    def make_fields(self) -> None:
        self.offer_countries(country_names())
        self.fields["email"].help_text = _("Emails sent again go to it.")
        self.fields["phone"].help_text = ""
        if self.order.carrier:
            self.fields["carrier"] = _carrier()
            self.fields["tracking_number"] = _tracking_number()


class ReturnForm(OrderActionForm):
    """How many pieces of each line came back, and how much of the money goes back for them."""

    def make_fields(self) -> None:
        for line, left in lines_with_customer(self.order):
            for name, label in (
                ("restock", _("back on the shelf")),
                ("write_off", _("written off")),
            ):
                self.fields[f"{name}_{line.pk}"] = forms.IntegerField(
                    label=f"{line.name} {line.variant_name} ({line.sku}): {label}",
                    min_value=0,
                    max_value=left,
                    required=False,
                    initial=0,
                )
        if self.user.has_perm("orders.refund_order"):
            left_money = format_money(left_of(self.order), self.order.currency)
            self.fields["refund"] = forms.DecimalField(
                label=_("Refund"),
                required=False,
                max_digits=12,
                min_value=0,
                help_text=_("%(left)s is left to refund.") % {"left": left_money},
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not self.pieces():
            raise ValidationError(_("Say how many pieces came back."))
        return cleaned

    def pieces(self) -> list[ReturnedPieces]:
        """Return what came back, of a valid form."""
        counted = [
            ReturnedPieces(
                line_id=line.pk,
                restocked=self.cleaned_data[f"restock_{line.pk}"] or 0,
                written_off=self.cleaned_data[f"write_off_{line.pk}"] or 0,
            )
            for line, _left in lines_with_customer(self.order)
        ]
        return [one for one in counted if one.restocked or one.written_off]


def left_of(order: Order) -> Decimal:
    """Return how much of what paid the order can go back."""
    payment: Payment = order.payment
    settling = (capture for capture in payment.captures.all() if capture.is_settling)
    return left_to_refund(next(settling, None))


def stray_money_of(order: Order) -> list[tuple[Capture, Decimal]]:
    """Return what PayPal took beside what paid the order, and how much of each can go back."""
    strays = [one for one in order.payment.captures.all() if not one.is_settling]
    counted = [(one, left_to_refund(one)) for one in strays]
    return [(one, left) for one, left in counted if left > 0]


def lines_with_customer(order: Order) -> list[tuple[OrderLine, int]]:
    """Return the lines of which something is still with the customer, and how much."""
    lines = order.lines.prefetch_related("returned")
    counted = [
        (line, line.quantity - sum(one.restocked + one.written_off for one in line.returned.all()))
        for line in lines
    ]
    return [(line, left) for line, left in counted if left]


def emails_to_customer(order: Order) -> Any:
    """Return what the order's customer was, or should have been, sent."""
    return EmailDelivery.objects.filter(subject=order.number, role=Role.CUSTOMER)


def _dress(widget: forms.Widget) -> None:
    """Give a field the admin's look."""
    classes = INPUT_CLASSES
    if isinstance(widget, forms.Select):
        classes = SELECT_CLASSES
    elif isinstance(widget, forms.Textarea):
        classes = TEXTAREA_CLASSES
    widget.attrs["class"] = " ".join(classes)
