"""The merchant's own page: the latest payments, and what one would do about them at PayPal."""

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from devtools.paypal import payments
from devtools.paypal.errors import PayPalError
from devtools.paypal.records import JSON, Capture, Dispute, new_id
from devtools.paypal.sandbox import Session
from devtools.paypal.web import the_sandbox

SHOWN = 50

merchant = Blueprint("merchant", __name__)


@merchant.get("/")
def show_payments() -> Response:
    return _page()


@merchant.post("/merchant/<any(refund, reverse, dispute, buyer, seller, complete, deny):action>")
def act(action: str) -> AnyResponse:
    try:
        with the_sandbox().writing() as session:
            _act(session, action)
    except PayPalError as error:
        return _page(error.details[0]["description"], 422)
    return redirect(url_for("merchant.show_payments"), code=303)


def _act(session: Session, action: str) -> None:
    capture = payments.find_capture(session, request.form.get("capture", ""))
    if action == "refund":
        _refund(session, capture)
    elif action == "reverse":
        payments.reverse_capture(session, capture)
    elif action == "dispute":
        payments.open_dispute(session, capture, "MERCHANDISE_OR_SERVICE_NOT_RECEIVED")
    elif action in {"buyer", "seller"}:
        for dispute in _open_disputes(session).get(capture.id, []):
            payments.resolve_dispute(session, dispute, buyer_wins=action == "buyer")
    elif capture.id in session.books.reviews:
        payments.decide_review(session, capture.id, is_passed=action == "complete")


def _refund(session: Session, capture: Capture) -> None:
    """Refund the amount in the form, or all that is left when it is empty."""
    value = request.form.get("amount", "").strip()
    amount = {"currency_code": capture.currency, "value": value}
    body: JSON = {"amount": amount} if value else {}
    payments.refund_capture(
        session, capture_id=capture.id, body=body, request_id=new_id(), fault=None
    )


def _open_disputes(session: Session) -> dict[str, list[Dispute]]:
    """Return the disputes still open, for each capture."""
    found: dict[str, list[Dispute]] = {}
    for dispute in session.books.disputes.values():
        if dispute.status != "RESOLVED":
            found.setdefault(dispute.capture_id, []).append(dispute)
    return found


def _page(problem: str | None = None, status: int = 200) -> Response:
    with the_sandbox().reading() as session:
        books = session.books
        latest = list(books.orders.values())[: -SHOWN - 1 : -1]
        rows = [
            {"order": order, "capture": books.captures.get(order.capture_id or "")}
            for order in latest
        ]
        disputed = _open_disputes(session)
        page = render_template(
            "merchant.html", rows=rows, problem=problem, reviews=books.reviews, disputed=disputed
        )
    return make_response(page, status)
