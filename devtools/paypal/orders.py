"""Checkout orders: made by a shop, approved by a payer, captured by the shop."""

from decimal import Decimal
from typing import Any

from devtools.paypal import events
from devtools.paypal.errors import PayPalError, invalid_request, not_found, unprocessable
from devtools.paypal.faults import Fault
from devtools.paypal.idempotency import recall, remember
from devtools.paypal.money import money
from devtools.paypal.records import JSON, Capture, Order, new_id
from devtools.paypal.resources import (
    HOME_ADDRESS,
    PAYER,
    capture_resource,
    checkout_link,
    order_resource,
)
from devtools.paypal.sandbox import Session
from devtools.paypal.validation import require_order_request

TIME_TO_APPROVE = TIME_TO_CAPTURE = 3 * 3600.0
REVIEW_LASTS = 24 * 3600.0
MOST_REFUSED_CAPTURES = 10

_UNAPPROVED = frozenset({"CREATED", "PAYER_ACTION_REQUIRED"})
_SENDS_PAYER_BACK = frozenset(
    {"INSTRUMENT_DECLINED", "PAYER_ACTION_REQUIRED", "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING"}
)


def find_order(session: Session, order_id: str) -> Order:
    """Return an order; one that nobody captured is forgotten when its windows are over."""
    order = session.books.orders.get(order_id)
    if order is None or _is_forgotten(order, session.now):
        raise not_found()
    return order


def create_order(
    session: Session, *, body: Any, request_id: str | None, fault: Fault | None
) -> Order:
    """Make an order, or return the one made under the same request id."""
    earlier = recall(session, "create", request_id)
    if earlier:
        return find_order(session, earlier.resource_id)
    require_order_request(body)
    if body.get("payment_source") and not request_id:
        raise invalid_request("PAYPAL_REQUEST_ID_REQUIRED")
    if fault and fault.kind == "issue":
        raise unprocessable(fault.issue)
    order = _new_order(body, session.now)
    _require_new_invoice(session, order)
    session.books.orders[order.id] = order
    remember(session, "create", request_id, order.id)
    return order


def approve_order(session: Session, order: Order, *, funding_is_good: bool) -> None:
    """Record that the payer agreed, with a source that will be good for it or not."""
    order.status = "APPROVED"
    order.approved_at = order.updated_at = session.now
    order.funding_is_good = funding_is_good
    order.payer = PAYER
    if order.context.get("shipping_preference") != "NO_SHIPPING":
        order.unit.setdefault("shipping", HOME_ADDRESS)
    resource = order_resource(session.books, order, session.base_url)
    session.announce(events.ORDER_APPROVED, resource)


def can_be_approved(order: Order, now: float) -> bool:
    """Say whether the payer may still choose how to pay."""
    is_open = order.status in _UNAPPROVED or (order.status == "APPROVED" and order.refused_captures)
    return bool(is_open) and not is_expired(order, now)


def is_expired(order: Order, now: float) -> bool:
    """Say whether the window that the order is in has passed."""
    if order.capture_id:
        return False
    if order.approved_at is None:
        return now - order.created_at >= TIME_TO_APPROVE
    return now - order.approved_at >= TIME_TO_CAPTURE


def capture_order(
    session: Session, *, order_id: str, request_id: str | None, fault: Fault | None
) -> tuple[Order, bool]:
    """Take the money, once; also say whether this answer repeats an earlier one."""
    order = find_order(session, order_id)
    earlier = recall(session, "capture", request_id)
    if earlier:
        order = find_order(session, earlier.resource_id)
        if earlier.issue:
            raise _refusal(session, order, earlier.issue)
        return order, True
    _require_capturable(session, order)
    issue = _issue_of_capture(order, fault)
    if issue:
        order.refused_captures += 1
        order.updated_at = session.now
        remember(session, "capture", request_id, order.id, issue)
        raise _refusal(session, order, issue)
    _take_money(session, order, fault.kind if fault else "")
    remember(session, "capture", request_id, order.id)
    return order, False


def _is_forgotten(order: Order, now: float) -> bool:
    age = now - order.created_at
    return order.capture_id is None and age >= TIME_TO_APPROVE + TIME_TO_CAPTURE


def _new_order(body: JSON, now: float) -> Order:
    source = body.get("payment_source")
    context = body.get("application_context") or {}
    context |= ((source or {}).get("paypal") or {}).get("experience_context") or {}
    return Order(
        id=new_id(),
        status="CREATED" if source is None else "PAYER_ACTION_REQUIRED",
        intent=body["intent"],
        unit=_normal_unit(body["purchase_units"][0]),
        context=context,
        has_payment_source=source is not None,
        created_at=now,
        updated_at=now,
    )


def _normal_unit(unit: JSON) -> JSON:
    """Give every amount the decimals of its currency, and the unit a name."""
    normal: JSON = {"reference_id": "default"} | unit
    normal["amount"] = unit["amount"] | _normal_money(unit["amount"])
    if "breakdown" in unit["amount"]:
        breakdown = unit["amount"]["breakdown"].items()
        normal["amount"]["breakdown"] = {name: _normal_money(part) for name, part in breakdown}
    if "items" in unit:
        normal["items"] = [_normal_item(item) for item in unit["items"]]
    return normal


def _normal_item(item: JSON) -> JSON:
    amounts = {name: _normal_money(item[name]) for name in ("unit_amount", "tax") if name in item}
    return item | amounts


def _normal_money(amount: JSON) -> JSON:
    return money(amount["currency_code"], Decimal(amount["value"]))


def _require_new_invoice(session: Session, order: Order) -> None:
    if order.invoice_id in session.books.invoices:
        field = "/purchase_units/0/invoice_id"
        raise unprocessable("DUPLICATE_INVOICE_ID", field, order.invoice_id)


def _require_capturable(session: Session, order: Order) -> None:
    if order.capture_id:
        raise unprocessable("ORDER_ALREADY_CAPTURED")
    if is_expired(order, session.now):
        raise unprocessable("ORDER_EXPIRED")
    if order.status != "APPROVED":
        raise unprocessable("ORDER_NOT_APPROVED")
    if order.refused_captures >= MOST_REFUSED_CAPTURES:
        raise unprocessable("MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED")
    _require_new_invoice(session, order)


def _issue_of_capture(order: Order, fault: Fault | None) -> str | None:
    if fault and fault.kind == "issue":
        return fault.issue
    if fault and fault.kind == "decline":
        return "TRANSACTION_REFUSED"
    return None if order.funding_is_good else "INSTRUMENT_DECLINED"


def _refusal(session: Session, order: Order, issue: str) -> PayPalError:
    links = None
    if issue in _SENDS_PAYER_BACK:
        href = checkout_link(order, session.base_url)
        links = [{"href": href, "rel": "redirect", "method": "GET"}]
    return unprocessable(issue, links=links)


def _take_money(session: Session, order: Order, fault_kind: str) -> None:
    status, reason, event_type = {
        "pending_review": ("PENDING", "PENDING_REVIEW", events.CAPTURE_PENDING),
        "declined_capture": ("DECLINED", None, events.CAPTURE_DECLINED),
    }.get(fault_kind, ("COMPLETED", None, events.CAPTURE_COMPLETED))
    capture = Capture(
        id=new_id(),
        order_id=order.id,
        status=status,
        reason=reason,
        currency=order.currency,
        value=order.unit["amount"]["value"],
        created_at=session.now,
        updated_at=session.now,
        custom_id=order.custom_id,
        invoice_id=order.invoice_id,
    )
    books = session.books
    books.captures[capture.id] = capture
    order.capture_id, order.status, order.updated_at = capture.id, "COMPLETED", session.now
    if status == "PENDING":
        books.reviews[capture.id] = session.now + REVIEW_LASTS
    if order.invoice_id and status != "DECLINED":
        books.invoices[order.invoice_id] = capture.id
    session.announce(event_type, capture_resource(books, capture, session.base_url))
