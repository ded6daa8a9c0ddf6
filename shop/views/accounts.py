"""What an account has beside allauth's own pages: its end."""

from typing import cast

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from orders.lifecycle import OrderStatus
from orders.models import Order
from shop.accounts.closing import StaffAccount, close_account
from shop.views.checkout import see_other

_UNDER_WAY = (OrderStatus.PENDING, OrderStatus.SUCCESS, OrderStatus.SHIPPED)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@reauthentication_required(allow_get=True)  # type: ignore[untyped-decorator]
def delete_account(request: HttpRequest) -> HttpResponse:
    """Say what deleting means; do it on POST, after the password was typed of late."""
    user = cast("User", request.user)
    if request.method != "POST":
        under_way = Order.objects.filter(user=user, status__in=_UNDER_WAY).count()
        return render(request, "account/delete.html", {"under_way": under_way})
    try:
        close_account(user)
    except StaffAccount:
        messages.error(request, _("You work here: an owner of the shop ends your account."))
        return see_other(reverse("account_delete"))
    get_adapter(request).logout(request)
    messages.success(request, _("Your account was deleted. Your orders stay what they are."))
    return see_other(reverse("home"))


def nothing_here(request: HttpRequest) -> HttpResponse:
    """Answer at those of allauth's addresses that lead to nothing in this shop."""
    raise Http404
