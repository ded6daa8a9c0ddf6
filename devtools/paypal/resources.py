"""How PayPal shows its orders, captures, refunds and disputes."""

from decimal import Decimal

from devtools.paypal.clock import timestamp
from devtools.paypal.money import fee, money
from devtools.paypal.records import JSON, Capture, Dispute, Order, Refund
from devtools.paypal.state import Books

MERCHANT: JSON = {"email_address": "merchant@example.com", "merchant_id": "MERCHANT23456"}

PAYER: JSON = {
    "name": {"given_name": "Jo", "surname": "Nguyen"},
    "email_address": "buyer@example.com",
    "payer_id": "BUYER23456789",
    "address": {"country_code": "US"},
}

HOME_ADDRESS: JSON = {
    "name": {"full_name": "Jo Nguyen"},
    "address": {
        "address_line_1": "1 Main St",
        "admin_area_2": "San Jose",
        "admin_area_1": "CA",
        "postal_code": "95131",
        "country_code": "US",
    },
}


def _link(href: str, rel: str, method: str = "GET") -> JSON:
    return {"href": href, "rel": rel, "method": method}


def checkout_link(order: Order, base_url: str) -> str:
    """Return where the payer approves this order."""
    return f"{base_url}/checkoutnow?token={order.id}"


def order_links(order: Order, base_url: str) -> list[JSON]:
    """Return what can be done with an order in its present state."""
    itself = f"{base_url}/v2/checkout/orders/{order.id}"
    links = [_link(itself, "self")]
    if order.status == "PAYER_ACTION_REQUIRED":
        links.append(_link(checkout_link(order, base_url), "payer-action"))
    elif order.status == "CREATED":
        links.append(_link(checkout_link(order, base_url), "approve"))
    if order.status in {"CREATED", "APPROVED"}:
        links.append(_link(f"{itself}/capture", "capture", "POST"))
    return links


def order_resource(books: Books, order: Order, base_url: str) -> JSON:
    """Show a whole order, as `GET /v2/checkout/orders/{id}` does."""
    shown: JSON = {
        "id": order.id,
        "intent": order.intent,
        "status": order.status,
        "purchase_units": [_purchase_unit(books, order, base_url)],
        "create_time": timestamp(order.created_at),
        "update_time": timestamp(order.updated_at),
        "links": order_links(order, base_url),
    }
    if order.payer:
        shown["payer"] = order.payer
    if order.has_payment_source or order.payer:
        shown["payment_source"] = _payment_source(order)
    return shown


def minimal_order(books: Books, order: Order, base_url: str) -> JSON:
    """Show what PayPal shows of an order unless asked for all of it."""
    whole = order_resource(books, order, base_url)
    kept = {"id", "status", "payment_source", "payer", "links"}
    shown = {name: value for name, value in whole.items() if name in kept}
    if order.capture_id:
        unit = whole["purchase_units"][0]
        kept_of_unit = {"reference_id", "shipping", "payments"}
        shown["purchase_units"] = [{k: v for k, v in unit.items() if k in kept_of_unit}]
    return shown


def _purchase_unit(books: Books, order: Order, base_url: str) -> JSON:
    unit = order.unit | {"payee": MERCHANT}
    if order.capture_id:
        capture = books.captures[order.capture_id]
        payments: JSON = {"captures": [_bare_capture(books, capture, base_url)]}
        refunds = [refund_resource(books, it, base_url) for it in books.refunds_of(capture)]
        if refunds:
            payments["refunds"] = refunds
        unit["payments"] = payments
    return unit


def _payment_source(order: Order) -> JSON:
    if not order.payer:
        return {"paypal": {}}
    payer = order.payer
    return {
        "paypal": {
            "email_address": payer["email_address"],
            "account_id": payer["payer_id"],
            "account_status": "VERIFIED",
            "name": payer["name"],
            "address": payer["address"],
        }
    }


def capture_resource(books: Books, capture: Capture, base_url: str) -> JSON:
    """Show a capture, as `GET /v2/payments/captures/{id}` does."""
    return _bare_capture(books, capture, base_url) | {
        "payee": MERCHANT,
        "supplementary_data": {"related_ids": {"order_id": capture.order_id}},
    }


def _bare_capture(books: Books, capture: Capture, base_url: str) -> JSON:
    itself = f"{base_url}/v2/payments/captures/{capture.id}"
    shown: JSON = {
        "id": capture.id,
        "status": capture.status,
        "amount": money(capture.currency, capture.value),
        "final_capture": True,
        "seller_protection": {
            "status": "ELIGIBLE",
            "dispute_categories": ["ITEM_NOT_RECEIVED", "UNAUTHORIZED_TRANSACTION"],
        },
        "links": [
            _link(itself, "self"),
            _link(f"{itself}/refund", "refund", "POST"),
            _link(f"{base_url}/v2/checkout/orders/{capture.order_id}", "up"),
        ],
        "create_time": timestamp(capture.created_at),
        "update_time": timestamp(capture.updated_at),
        **_references(capture),
    }
    if capture.reason:
        shown["status_details"] = {"reason": capture.reason}
    if capture.status in {"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"}:
        shown["seller_receivable_breakdown"] = _receivable(capture)
    return shown


def _references(record: Capture | Refund) -> JSON:
    found = {"custom_id": record.custom_id, "invoice_id": record.invoice_id}
    return {name: value for name, value in found.items() if value is not None}


def _receivable(capture: Capture) -> JSON:
    kept = fee(capture.currency, capture.amount)
    return {
        "gross_amount": money(capture.currency, capture.value),
        "paypal_fee": money(capture.currency, kept),
        "net_amount": money(capture.currency, capture.amount - kept),
    }


def refund_resource(books: Books, refund: Refund, base_url: str) -> JSON:
    """Show a refund, as `GET /v2/payments/refunds/{id}` does."""
    shown: JSON = {
        "id": refund.id,
        "status": refund.status,
        "amount": money(refund.currency, refund.value),
        "seller_payable_breakdown": _payable(books, refund),
        "links": refund_links(refund, base_url),
        "create_time": timestamp(refund.created_at),
        "update_time": timestamp(refund.updated_at),
        **_references(refund),
    }
    if refund.note_to_payer:
        shown["note_to_payer"] = refund.note_to_payer
    if refund.status == "PENDING":
        shown["status_details"] = {"reason": "ECHECK"}
    return shown


def refund_links(refund: Refund, base_url: str) -> list[JSON]:
    return [
        _link(f"{base_url}/v2/payments/refunds/{refund.id}", "self"),
        _link(f"{base_url}/v2/payments/captures/{refund.capture_id}", "up"),
    ]


def _payable(books: Books, refund: Refund) -> JSON:
    siblings = books.refunds_of(books.captures[refund.capture_id])
    refunded = sum((it.amount for it in siblings if it.status == "COMPLETED"), Decimal(0))
    return {
        "gross_amount": money(refund.currency, refund.value),
        "paypal_fee": money(refund.currency, Decimal(0)),
        "net_amount": money(refund.currency, refund.value),
        "total_refunded_amount": money(refund.currency, refunded),
    }


def dispute_resource(books: Books, dispute: Dispute, base_url: str) -> JSON:
    """Show a dispute, as `CUSTOMER.DISPUTE.*` events do."""
    capture = books.captures[dispute.capture_id]
    shown: JSON = {
        "dispute_id": dispute.id,
        "create_time": timestamp(dispute.created_at),
        "update_time": timestamp(dispute.updated_at),
        "disputed_transactions": [_disputed_transaction(capture)],
        "reason": dispute.reason,
        "status": dispute.status,
        "dispute_amount": money(capture.currency, capture.value),
        "dispute_life_cycle_stage": "INQUIRY",
        "links": [_link(f"{base_url}/v1/customer/disputes/{dispute.id}", "self")],
    }
    if dispute.outcome:
        shown["dispute_outcome"] = {"outcome_code": dispute.outcome}
    return shown


def _disputed_transaction(capture: Capture) -> JSON:
    shown: JSON = {
        "seller_transaction_id": capture.id,
        "create_time": timestamp(capture.created_at),
        "transaction_status": "COMPLETED",
        "gross_amount": money(capture.currency, capture.value),
        "seller": {"merchant_id": MERCHANT["merchant_id"], "name": "Merchant"},
        "buyer": {"name": "Jo Nguyen"},
    }
    if capture.custom_id:
        shown["custom"] = capture.custom_id
    if capture.invoice_id:
        shown["invoice_number"] = capture.invoice_id
    return shown
