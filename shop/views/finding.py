"""Finding an order without an account."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from shop.finding import send_order_link
from shop.forms import LineOfText
from shop.views.checkout import see_other


class FindOrderForm(forms.Form):
    """An order's number and the address it was placed with."""

    number = LineOfText(
        label=_("Order number"),
        max_length=30,
        help_text=_("It begins with G and stands in the subject of every email about the order."),
        error_messages={"required": _("Enter the order's number.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )
    email = forms.EmailField(
        label=_("Email"),
        max_length=254,
        help_text=_("The one you ordered with."),
        error_messages={
            "required": _("Enter your email address."),
            "invalid": _("Enter an email address such as name@example.com."),
        },
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def find_order(request: HttpRequest) -> HttpResponse:
    """Ask for number and address; the answer is the same whether there is such an order or not."""
    form = FindOrderForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        send_order_link(**form.cleaned_data)
        return see_other(f"{reverse('find-order')}?sent")
    context = {"form": form, "is_sent": "sent" in request.GET}
    status = 422 if request.method == "POST" else 200
    return render(request, "shop/find_order.html", context, status=status)
