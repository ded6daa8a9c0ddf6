"""What becomes of captured money: reviews, refunds, reversals and disputes."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from devtools.paypal import events
from devtools.paypal.errors import PayPalError, not_found, unprocessable
from devtools.paypal.faults import Fault
from devtools.paypal.idempotency import recall, remember
from devtools.paypal.money import money
from devtools.paypal.orders import REVIEW_LASTS
from devtools.paypal.records import JSON, Capture, Dispute, Refund, new_id
from devtools.paypal.resources import capture_resource, dispute_resource, refund_resource
from devtools.paypal.sandbox import Sandbox, Session
from devtools.paypal.validation import faults_in_money, require_form

TIME_TO_REFUND = 180 * 24 * 3600.0

_RESERVED = frozenset({"COMPLETED", "PENDING"})


def find_capture(session: Session, capture_id: str) -> Capture:
    capture = session.books.captures.get(capture_id)
    if capture is None:
        raise not_found()
    return capture


def find_refund(session: Session, refund_id: str) -> Refund:
    refund = session.books.refunds.get(refund_id)
    if refund is None:
        raise not_found()
    return refund


def refund_capture(
    session: Session, *, capture_id: str, body: Any, request_id: str | None, fault: Fault | None
) -> Refund:
    """Give money back, all that is left unless an amount is named; once for each request id."""
    capture = find_capture(session, capture_id)
    earlier = recall(session, "refund", request_id)
    if earlier:
        return find_refund(session, earlier.resource_id)
    require_form("refund_request", body)
    _require_refundable(session, capture)
    if fault and fault.kind in {"issue", "decline"}:
        raise unprocessable(fault.issue or "REFUND_FAILED_INSUFFICIENT_FUNDS")
    value = _value_to_refund(session, capture, body.get("amount"))
    is_pending = fault is not None and fault.kind == "pending_review"
    refund = _new_refund(session, capture, value, "PENDING" if is_pending else "COMPLETED", body)
    remember(session, "refund", request_id, refund.id)
    if is_pending:
        session.books.reviews[refund.id] = session.now + REVIEW_LASTS
        _announce_refund(session, refund, events.REFUND_PENDING)
    else:
        _book_refund(session, refund)
        _announce_refund(session, refund, events.CAPTURE_REFUNDED)
    return refund


def reverse_capture(session: Session, capture: Capture) -> Refund:
    """Take the money back from the merchant, as after a chargeback."""
    _require_refundable(session, capture)
    value = left_to_refund(session, capture)
    refund = _new_refund(session, capture, value, "COMPLETED", {})
    _book_refund(session, refund)
    _announce_refund(session, refund, events.CAPTURE_REVERSED)
    return refund


def left_to_refund(session: Session, capture: Capture) -> Decimal:
    """Return what neither went back nor is on its way."""
    refunds = session.books.refunds_of(capture)
    reserved = sum((it.amount for it in refunds if it.status in _RESERVED), Decimal(0))
    return capture.amount - reserved


def decide_review(session: Session, resource_id: str, *, is_passed: bool) -> None:
    """End the review of a capture or a refund, one way or the other."""
    books = session.books
    del books.reviews[resource_id]
    if resource_id in books.captures:
        _end_capture_review(session, books.captures[resource_id], is_passed=is_passed)
    else:
        _end_refund_review(session, books.refunds[resource_id], is_passed=is_passed)


def pass_due_reviews(sandbox: Sandbox) -> None:
    """Let the reviews pass whose day is over."""
    with sandbox.reading() as session:
        if not _due_reviews(session):
            return
    with sandbox.writing() as session:
        for resource_id in _due_reviews(session):
            decide_review(session, resource_id, is_passed=True)


def open_dispute(session: Session, capture: Capture, reason: str) -> Dispute:
    """Open a buyer's complaint."""
    dispute_id = f"PP-D-{new_id(6)}"
    dispute = Dispute(dispute_id, capture.id, reason, "OPEN", session.now, session.now)
    session.books.disputes[dispute.id] = dispute
    resource = dispute_resource(session.books, dispute, session.base_url)
    session.announce(events.DISPUTE_CREATED, resource)
    return dispute


def resolve_dispute(session: Session, dispute: Dispute, *, buyer_wins: bool) -> None:
    """Close a complaint; when the buyer wins, the capture is reversed."""
    dispute.status, dispute.updated_at = "RESOLVED", session.now
    dispute.outcome = "RESOLVED_BUYER_FAVOUR" if buyer_wins else "RESOLVED_SELLER_FAVOUR"
    resource = dispute_resource(session.books, dispute, session.base_url)
    session.announce(events.DISPUTE_RESOLVED, resource)
    capture = session.books.captures[dispute.capture_id]
    if buyer_wins and left_to_refund(session, capture) > 0:
        reverse_capture(session, capture)


def _due_reviews(session: Session) -> list[str]:
    return [key for key, ends_at in session.books.reviews.items() if ends_at <= session.now]


def _require_refundable(session: Session, capture: Capture) -> None:
    if capture.status == "PENDING":
        raise unprocessable("PENDING_CAPTURE")
    if capture.status == "REFUNDED":
        raise unprocessable("CAPTURE_FULLY_REFUNDED")
    if capture.status not in {"COMPLETED", "PARTIALLY_REFUNDED"}:
        raise unprocessable("REFUND_NOT_ALLOWED")
    if session.now - capture.created_at >= TIME_TO_REFUND:
        raise unprocessable("REFUND_TIME_LIMIT_EXCEEDED")


def _value_to_refund(session: Session, capture: Capture, asked: JSON | None) -> Decimal:
    left = left_to_refund(session, capture)
    if asked is None:
        value = left
    else:
        _require_amount(capture, asked)
        value = Decimal(asked["value"])
    if value > left or left <= 0:
        raise unprocessable("REFUND_AMOUNT_EXCEEDED", "/amount/value", value)
    return value


def _require_amount(capture: Capture, asked: JSON) -> None:
    faults = list(faults_in_money(asked, "/amount", may_be_zero=False))
    if faults:
        raise PayPalError(422, faults)
    if asked["currency_code"] != capture.currency:
        field = "/amount/currency_code"
        raise unprocessable("REFUND_CAPTURE_CURRENCY_MISMATCH", field, asked["currency_code"])


def _new_refund(
    session: Session, capture: Capture, value: Decimal, status: str, body: JSON
) -> Refund:
    refund = Refund(
        id=new_id(),
        capture_id=capture.id,
        status=status,
        currency=capture.currency,
        value=money(capture.currency, value)["value"],
        created_at=session.now,
        updated_at=session.now,
        custom_id=body.get("custom_id", capture.custom_id),
        invoice_id=body.get("invoice_id", capture.invoice_id),
        note_to_payer=body.get("note_to_payer"),
    )
    session.books.refunds[refund.id] = refund
    capture.refund_ids.append(refund.id)
    return refund


def _book_refund(session: Session, refund: Refund) -> None:
    """Mark the refund completed, and its capture as refunded in part or in whole."""
    refund.status, refund.updated_at = "COMPLETED", session.now
    capture = session.books.captures[refund.capture_id]
    returned = sum(_completed(session, capture), Decimal(0))
    capture.status = "REFUNDED" if returned >= capture.amount else "PARTIALLY_REFUNDED"
    capture.updated_at = session.now


def _completed(session: Session, capture: Capture) -> Iterator[Decimal]:
    for refund in session.books.refunds_of(capture):
        if refund.status == "COMPLETED":
            yield refund.amount


def _announce_refund(session: Session, refund: Refund, event_type: str) -> None:
    session.announce(event_type, refund_resource(session.books, refund, session.base_url))


def _end_capture_review(session: Session, capture: Capture, *, is_passed: bool) -> None:
    capture.status = "COMPLETED" if is_passed else "DECLINED"
    capture.reason, capture.updated_at = None, session.now
    if not is_passed and capture.invoice_id:
        session.books.invoices.pop(capture.invoice_id, None)
    event_type = events.CAPTURE_COMPLETED if is_passed else events.CAPTURE_DENIED
    resource = capture_resource(session.books, capture, session.base_url)
    session.announce(event_type, resource)


def _end_refund_review(session: Session, refund: Refund, *, is_passed: bool) -> None:
    if is_passed:
        _book_refund(session, refund)
        _announce_refund(session, refund, events.CAPTURE_REFUNDED)
    else:
        refund.status, refund.updated_at = "FAILED", session.now
        _announce_refund(session, refund, events.REFUND_FAILED)
