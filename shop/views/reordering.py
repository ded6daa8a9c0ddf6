"""The page an ended order's email leads to: it asks, then puts the items in the cart again."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from orders.models import Order
from shop.cart import Cart
from shop.reordering import Reordered, reorder


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def reorder_page(request: HttpRequest, number: str, token: str) -> HttpResponse:
    """Ask on GET: mail programs follow links by themselves. Put the items in the cart on POST."""
    order = Order.objects.prefetch_related("lines").filter(number=number).first()
    if order is None or not constant_time_compare(order.token, token):
        raise Http404
    if request.method != "POST":
        return render(request, "shop/reorder.html", {"order": order})
    cart = Cart.from_request(request)
    _tell(request, reorder(order, cart))
    response = redirect("cart")
    response.status_code = 303
    cart.save_to(response)
    return response


def _tell(request: HttpRequest, done: Reordered) -> None:
    if done.missing:
        names = ", ".join(line.name for line in done.missing)
        messages.warning(request, _("Can no longer be had: %(names)s") % {"names": names})
    if done.fewer:
        names = ", ".join(line.name for line in done.fewer)
        messages.warning(request, _("Fewer than you had ordered: %(names)s") % {"names": names})
    if done.whole and not (done.fewer or done.missing):
        messages.success(request, _("Your items are in the cart again."))
