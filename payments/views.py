"""The payment's addresses: to PayPal, back from it, and what PayPal tells us itself."""

import logging
import uuid

from django.contrib import messages
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from requests import RequestException

from inventory.holds import is_held
from notifications.tracing import name_in_log
from orders.models import Order
from payments import webhooks
from payments.certificate_fetches import TooManyFetches
from payments.gateway import GatewayError, Refused
from payments.lifecycle import PaymentStatus
from payments.models import PaymentAttempt
from payments.opening import NothingToPay, approval_url
from payments.returning import settle_on_return
from payments.turns import AskedJustNow

logger = logging.getLogger(__name__)


@never_cache
@csrf_exempt  # changes nothing that a link to it would not
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, transaction_id: uuid.UUID) -> HttpResponseBase:
    """Send the customer to PayPal; an order that cannot be paid leads to its page."""
    order = get_object_or_404(Order, transaction_id=transaction_id)
    name_in_log(order=order.number, transaction_id=transaction_id)
    try:
        return _see_other(approval_url(transaction_id))
    except NothingToPay:
        pass
    except GatewayError as error:
        logger.warning("Order %s: PayPal did not open: %s", order.number, error)
        messages.warning(request, _excuse(order, error))
    return _see_other(order.get_absolute_url())


def _excuse(order: Order, error: GatewayError) -> str:
    if isinstance(error, Refused):
        return _("PayPal could not open the payment. Nothing was charged; please try again.")
    if isinstance(error, AskedJustNow):
        return _("PayPal was asked a moment ago. Nothing was charged; please try again shortly.")
    if is_held(order.transaction_id, timezone.now()):
        return _("PayPal is slow at the moment. Your items are set aside; please try again.")
    return _("PayPal is slow at the moment. Nothing was charged; please try again.")


@never_cache
@require_GET
def come_back(request: HttpRequest) -> HttpResponseBase:
    """Settle what the customer approved at PayPal, then show the order, which says how it is."""
    attempt = _attempt(request)
    order = attempt.payment.order
    name_in_log(order=order.number, transaction_id=order.transaction_id)
    try:
        settle_on_return(attempt.pk)
    except GatewayError as error:
        logger.warning("Order %s: return not settled yet: %s", order.number, error)
    return _see_other(order.get_absolute_url())


@never_cache
@require_GET
def cancel(request: HttpRequest) -> HttpResponseBase:
    """Lead back to the order: leaving PayPal moves no money and does not end it."""
    attempt = _attempt(request)
    if attempt.payment.status == PaymentStatus.PENDING:  # another tab may have paid
        messages.info(request, _("You came back from PayPal without paying. Nothing was charged."))
    return _see_other(attempt.payment.order.get_absolute_url())


@csrf_exempt  # it carries PayPal's signature instead
@require_POST
def webhook(request: HttpRequest) -> HttpResponse:
    """Keep what PayPal says and answer; the clock does what it asks for."""
    try:
        body = request.body
    except RequestDataTooBig:
        return _refuse_webhook("too_large", "The body is over 1 MB.", status=413)
    try:
        webhooks.verify(body, request.headers)
        webhooks.receive(body, request.headers)
    except webhooks.BadSignature as error:
        logger.warning("Webhook refused: %s", error)
        return _refuse_webhook("signature", str(error), status=401)
    except webhooks.Malformed as error:
        return _refuse_webhook("malformed", str(error), status=400)
    except (RequestException, TooManyFetches) as error:
        logger.warning("Webhook postponed: no certificate (%s)", type(error).__name__)
        return _refuse_webhook("postponed", "Please send it again.", status=503)
    return HttpResponse(status=200)


def _refuse_webhook(reason: str, text: str, *, status: int) -> HttpResponse:
    webhooks.REFUSED.labels(reason).inc()
    return HttpResponse(text, status=status, content_type="text/plain")


def _attempt(request: HttpRequest) -> PaymentAttempt:
    token, *others = request.GET.getlist("token") or [""]
    attempts = PaymentAttempt.objects.select_related("payment__order")
    if others or not token.isalnum():
        raise Http404(_("PayPal's reference is missing from this address."))
    return get_object_or_404(attempts, paypal_order_id=token)


def _see_other(address: str) -> HttpResponseBase:
    response = redirect(address)
    response.status_code = 303
    return response
