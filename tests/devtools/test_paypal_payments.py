"""The emulator's captured money: refunds, reviews, reversals, disputes and the report."""

from datetime import UTC, datetime, timedelta

import pytest

from devtools.paypal.client import ControlRefused, Emulator
from tests.devtools.paypal_listener import Listener
from tests.devtools.paypal_merchant import JSON, Merchant, issue, order_body, usd


def test_refund_without_amount_returns_all_that_is_left(merchant: Merchant) -> None:
    capture_id = merchant.captured()
    merchant.refund(capture_id, "2.00")
    assert merchant.get_capture(capture_id).json()["status"] == "PARTIALLY_REFUNDED"
    refund_id = merchant.refund(capture_id).json()["id"]
    refund = merchant.call("GET", f"/v2/payments/refunds/{refund_id}").json()
    assert refund["amount"] == usd("40.00")
    assert refund["seller_payable_breakdown"]["total_refunded_amount"] == usd("42.00")
    assert merchant.get_capture(capture_id).json()["status"] == "REFUNDED"


def test_refund_beyond_what_is_left_is_refused(merchant: Merchant) -> None:
    capture_id = merchant.captured()
    merchant.refund(capture_id, "40.00")
    assert issue(merchant.refund(capture_id, "2.01")) == "REFUND_AMOUNT_EXCEEDED"


def test_fully_refunded_capture_is_not_refunded_again(merchant: Merchant) -> None:
    capture_id = merchant.captured()
    merchant.refund(capture_id)
    assert issue(merchant.refund(capture_id, "1.00")) == "CAPTURE_FULLY_REFUNDED"


def test_same_request_id_refunds_once_for_45_days(merchant: Merchant, paypal: Emulator) -> None:
    capture_id = merchant.captured()
    first = merchant.refund(capture_id, "1.00", "once").json()["id"]
    paypal.advance(44 * 24 * 3600)
    merchant.token = merchant.ask_for_token().json()["access_token"]
    assert merchant.refund(capture_id, "1.00", "once").json()["id"] == first
    paypal.advance(24 * 3600)
    merchant.token = merchant.ask_for_token().json()["access_token"]
    assert merchant.refund(capture_id, "1.00", "once").json()["id"] != first


def test_refund_in_another_currency_is_refused(merchant: Merchant) -> None:
    path = f"/v2/payments/captures/{merchant.captured()}/refund"
    body = {"amount": {"currency_code": "EUR", "value": "1.00"}}
    assert issue(merchant.call("POST", path, body)) == "REFUND_CAPTURE_CURRENCY_MISMATCH"


def _under_review(merchant: Merchant, paypal: Emulator) -> str:
    paypal.fault("capture", "pending_review")
    return merchant.captured()


def test_capture_under_review_cannot_be_refunded(merchant: Merchant, paypal: Emulator) -> None:
    capture_id = _under_review(merchant, paypal)
    capture = merchant.get_capture(capture_id).json()
    assert (capture["status"], capture["status_details"]) == (
        "PENDING",
        {"reason": "PENDING_REVIEW"},
    )
    assert issue(merchant.refund(capture_id)) == "PENDING_CAPTURE"


@pytest.mark.parametrize(
    ("outcome", "status", "event_type"),
    [
        ("completed", "COMPLETED", "PAYMENT.CAPTURE.COMPLETED"),
        ("denied", "DECLINED", "PAYMENT.CAPTURE.DENIED"),
    ],
)
def test_review_ends_as_it_is_told(
    merchant: Merchant,
    paypal: Emulator,
    listener: Listener,
    outcome: str,
    status: str,
    event_type: str,
) -> None:
    capture_id = _under_review(merchant, paypal)
    paypal.review(capture_id, outcome)
    assert merchant.get_capture(capture_id).json()["status"] == status
    types = {it.type for it in listener.wait_for(3)}
    assert types == {"CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.PENDING", event_type}


def test_review_passes_by_itself_after_a_day(merchant: Merchant, paypal: Emulator) -> None:
    capture_id = _under_review(merchant, paypal)
    paypal.advance(24 * 3600)
    assert [it["status"] for it in paypal.captures() if it["id"] == capture_id] == ["COMPLETED"]


def test_decided_review_cannot_be_decided_again(merchant: Merchant, paypal: Emulator) -> None:
    capture_id = _under_review(merchant, paypal)
    paypal.review(capture_id, "denied")
    with pytest.raises(ControlRefused, match="is not under review"):
        paypal.review(capture_id, "completed")


def test_pending_refund_reserves_its_amount_until_it_fails(
    merchant: Merchant, paypal: Emulator
) -> None:
    capture_id = merchant.captured()
    paypal.fault("refund", "pending_review")
    refund = merchant.refund(capture_id, "40.00").json()
    assert refund["status"] == "PENDING"
    assert issue(merchant.refund(capture_id, "40.00")) == "REFUND_AMOUNT_EXCEEDED"
    paypal.review_refund(refund["id"], "denied")
    assert merchant.refund(capture_id, "40.00").json()["status"] == "COMPLETED"


def test_order_may_complete_with_a_declined_capture(merchant: Merchant, paypal: Emulator) -> None:
    paypal.fault("capture", "declined_capture")
    answer = merchant.capture(merchant.approved()).json()
    capture = answer["purchase_units"][0]["payments"]["captures"][0]
    assert (answer["status"], capture["status"]) == ("COMPLETED", "DECLINED")


def test_reversal_takes_the_money_back_and_is_announced(
    merchant: Merchant, paypal: Emulator, listener: Listener
) -> None:
    capture_id = merchant.captured()
    paypal.reverse(capture_id)
    assert merchant.get_capture(capture_id).json()["status"] == "REFUNDED"
    assert "PAYMENT.CAPTURE.REVERSED" in {it.type for it in listener.wait_for(3)}


def test_dispute_that_the_buyer_wins_reverses_the_capture(
    merchant: Merchant, paypal: Emulator, listener: Listener
) -> None:
    capture_id = merchant.captured(order_body(invoice_id="G-3"))
    paypal.resolve_dispute(paypal.dispute(capture_id), winner="buyer")
    sent = {it.type: it.event["resource"] for it in listener.wait_for(5)}
    assert "PAYMENT.CAPTURE.REVERSED" in sent
    disputed = sent["CUSTOMER.DISPUTE.CREATED"]["disputed_transactions"][0]
    assert (disputed["seller_transaction_id"], disputed["invoice_number"]) == (capture_id, "G-3")
    outcome = sent["CUSTOMER.DISPUTE.RESOLVED"]["dispute_outcome"]["outcome_code"]
    assert outcome == "RESOLVED_BUYER_FAVOUR"


def _report(merchant: Merchant, **query: str) -> JSON:
    now = datetime.now(UTC)
    period = {
        "start_date": (now - timedelta(hours=1)).isoformat(),
        "end_date": (now + timedelta(hours=1)).isoformat(),
    }
    text = "&".join(f"{name}={value}" for name, value in (period | query).items())
    answer = merchant.call("GET", "/v1/reporting/transactions?" + text.replace("+", "%2B"))
    return dict(answer.json())


def test_report_shows_captures_and_refunds(merchant: Merchant) -> None:
    capture_id = merchant.captured(order_body(invoice_id="G-9"))
    refund_id = merchant.refund(capture_id, "2.00").json()["id"]
    paid, returned = (it["transaction_info"] for it in _report(merchant)["transaction_details"])
    assert (paid["transaction_id"], paid["transaction_amount"]) == (capture_id, usd("42.00"))
    assert (paid["fee_amount"], paid["invoice_id"]) == (usd("-1.96"), "G-9")
    assert (returned["transaction_id"], returned["paypal_reference_id"]) == (refund_id, capture_id)
    assert returned["transaction_amount"] == usd("-2.00")


def test_report_comes_in_pages(merchant: Merchant) -> None:
    ids = [merchant.captured() for _ in range(3)]
    report = _report(merchant, page_size="2", page="2")
    assert (report["total_items"], report["total_pages"]) == (3, 2)
    assert [it["transaction_info"]["transaction_id"] for it in report["transaction_details"]] == [
        ids[2]
    ]


@pytest.mark.parametrize(
    "query", [{"start_date": "yesterday"}, {"start_date": "2020-01-01T00:00:00Z"}, {"page": "0"}]
)
def test_impossible_report_is_refused(merchant: Merchant, query: dict[str, str]) -> None:
    assert _report(merchant, **query)["name"] == "INVALID_REQUEST"
