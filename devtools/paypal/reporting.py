"""PayPal's transaction search: what moved on the account in a period."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil

from devtools.paypal.clock import timestamp
from devtools.paypal.errors import invalid_request
from devtools.paypal.money import fee, money
from devtools.paypal.records import JSON, Capture, Refund
from devtools.paypal.sandbox import Session

LONGEST_PERIOD = timedelta(days=31)
LARGEST_PAGE = 500

_PAYMENT, _REFUND = "T0006", "T1107"
_CAPTURE_STATUS = {"PENDING": "P", "DECLINED": "D", "FAILED": "D"}
_REFUND_STATUS = {"PENDING": "P", "FAILED": "D", "CANCELLED": "D"}


def search_transactions(session: Session, query: Mapping[str, str], lag: float) -> JSON:
    """Answer a search; the latest `lag` seconds are not in the report yet."""
    start, end = _moment(query, "start_date"), _moment(query, "end_date")
    if end <= start or end - start > LONGEST_PERIOD:
        raise invalid_request("INVALID_PARAMETER_VALUE", "end_date", query["end_date"])
    page = _number(query, "page", 1, 1_000_000)
    size = _number(query, "page_size", 100, LARGEST_PAGE)
    fresh_until = session.now - lag
    last = min(end.timestamp(), fresh_until)
    records = [it for it in _records(session) if start.timestamp() <= it.created_at <= last]
    records.sort(key=lambda it: it.created_at)
    wanted = query.get("transaction_id")
    found = [_transaction(it) for it in records if wanted in {None, it.id}]
    return {
        "transaction_details": found[(page - 1) * size : page * size],
        "account_number": "MERCHANT23456",
        "start_date": timestamp(start.timestamp()),
        "end_date": timestamp(last),
        "last_refreshed_datetime": timestamp(fresh_until),
        "page": page,
        "total_items": len(found),
        "total_pages": ceil(len(found) / size),
        "links": [],
    }


def _records(session: Session) -> list[Capture | Refund]:
    return [*session.books.captures.values(), *session.books.refunds.values()]


def _moment(query: Mapping[str, str], name: str) -> datetime:
    text = query.get(name)
    if not text:
        raise invalid_request("MISSING_REQUIRED_PARAMETER", name)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid_request("INVALID_PARAMETER_SYNTAX", name, text) from None
    if moment.tzinfo is None:
        raise invalid_request("INVALID_PARAMETER_SYNTAX", name, text)
    return moment


def _number(query: Mapping[str, str], name: str, otherwise: int, largest: int) -> int:
    text = query.get(name, str(otherwise))
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= largest):
        raise invalid_request("INVALID_PARAMETER_VALUE", name, text)
    return int(text)


def _transaction(record: Capture | Refund) -> JSON:
    is_capture = isinstance(record, Capture)
    sign = 1 if is_capture else -1
    statuses = _CAPTURE_STATUS if is_capture else _REFUND_STATUS
    info: JSON = {
        "transaction_id": record.id,
        "transaction_event_code": _PAYMENT if is_capture else _REFUND,
        "transaction_initiation_date": timestamp(record.created_at),
        "transaction_updated_date": timestamp(record.updated_at),
        "transaction_amount": money(record.currency, sign * record.amount),
        "transaction_status": statuses.get(record.status, "S"),
    }
    if isinstance(record, Refund):
        info |= {"paypal_reference_id": record.capture_id, "paypal_reference_id_type": "TXN"}
    elif info["transaction_status"] == "S":
        kept = Decimal(-1) * fee(record.currency, record.amount)
        info["fee_amount"] = money(record.currency, kept)
    if record.invoice_id:
        info["invoice_id"] = record.invoice_id
    if record.custom_id:
        info["custom_field"] = record.custom_id
    return {"transaction_info": info}
