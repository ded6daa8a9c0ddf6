"""PayPal's Orders, Payments and Transaction Search APIs."""

from flask import Blueprint, Response, request

from devtools.paypal import orders, payments
from devtools.paypal.oauth import require_token
from devtools.paypal.records import JSON, Order, Refund
from devtools.paypal.reporting import search_transactions
from devtools.paypal.resources import (
    capture_resource,
    minimal_order,
    order_resource,
    refund_links,
    refund_resource,
)
from devtools.paypal.sandbox import Session
from devtools.paypal.web import (
    answer,
    json_body,
    request_id,
    the_fault,
    the_sandbox,
    wants_representation,
)

api = Blueprint("api", __name__)
api.before_request(require_token)


@api.post("/v2/checkout/orders")
def create_order() -> Response:
    body = json_body()
    with the_sandbox().writing() as session:
        order = orders.create_order(session, body=body, request_id=request_id(), fault=the_fault())
        return answer(_preferred(session, order), 200 if order.has_payment_source else 201)


@api.get("/v2/checkout/orders/<order_id>")
def get_order(order_id: str) -> Response:
    with the_sandbox().reading() as session:
        order = orders.find_order(session, order_id)
        return answer(order_resource(session.books, order, session.base_url))


@api.post("/v2/checkout/orders/<order_id>/capture")
def capture_order(order_id: str) -> Response:
    json_body()
    with the_sandbox().writing() as session:
        order, is_repeated = orders.capture_order(
            session, order_id=order_id, request_id=request_id(), fault=the_fault()
        )
        return answer(_preferred(session, order), 200 if is_repeated else 201)


@api.get("/v2/payments/captures/<capture_id>")
def get_capture(capture_id: str) -> Response:
    with the_sandbox().reading() as session:
        capture = payments.find_capture(session, capture_id)
        return answer(capture_resource(session.books, capture, session.base_url))


@api.post("/v2/payments/captures/<capture_id>/refund")
def refund_capture(capture_id: str) -> Response:
    body = json_body()
    with the_sandbox().writing() as session:
        refund = payments.refund_capture(
            session,
            capture_id=capture_id,
            body=body,
            request_id=request_id(),
            fault=the_fault(),
        )
        return answer(_preferred_refund(session, refund), 201)


@api.get("/v2/payments/refunds/<refund_id>")
def get_refund(refund_id: str) -> Response:
    with the_sandbox().reading() as session:
        refund = payments.find_refund(session, refund_id)
        return answer(refund_resource(session.books, refund, session.base_url))


@api.get("/v1/reporting/transactions")
def get_transactions() -> Response:
    lag = the_sandbox().options.reporting_lag_seconds
    with the_sandbox().reading() as session:
        return answer(search_transactions(session, request.args, lag))


def _preferred(session: Session, order: Order) -> JSON:
    show = order_resource if wants_representation() else minimal_order
    return show(session.books, order, session.base_url)


def _preferred_refund(session: Session, refund: Refund) -> JSON:
    if wants_representation():
        return refund_resource(session.books, refund, session.base_url)
    links = refund_links(refund, session.base_url)
    return {"id": refund.id, "status": refund.status, "links": links}
