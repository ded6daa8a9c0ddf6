"""What each kind of webhook brings about: refunds, reversals, disputes, reviews."""

from datetime import timedelta

import pytest
import requests
from django.utils import timezone
from prometheus_client import REGISTRY

from devtools.paypal.client import Emulator
from devtools.paypal.signatures import Signer
from notifications.models import Event
from orders.fulfilment import Flagged, ship_order
from orders.models import Order
from payments.duties import forget_webhooks, work_on_webhooks
from payments.models import Capture, Refund, WebhookReceipt
from payments.settlement import settle
from shop.timeline import timeline_of
from tests.factories import placed_order
from tests.paying import approve, events_of, let_all_be_due, standing, told_staff, violations
from tests.payments.signed_webhooks import event, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(paypal: Emulator) -> Order:
    """Return an order paid with 16.50 USD."""
    order = placed_order()
    settle(approve(order).pk, by="return")
    return order


def capture_id() -> str:
    return Capture.objects.get().paypal_id


def refund_at_paypal(paypal: Emulator, amount: str = "") -> dict[str, object]:
    """Refund on the merchant's page; return PayPal's refund."""
    form = {"capture": capture_id(), "amount": amount}
    requests.post(f"{paypal.base_url}/merchant/refund", data=form, timeout=30).raise_for_status()
    (unit,) = paypal.orders()[0]["purchase_units"]
    return dict(unit["payments"]["refunds"][-1])


def tell(signer: Signer, event_type: str, resource: object) -> WebhookReceipt:
    """Deliver an event, do its work, and return its receipt."""
    body = event(event_type=event_type, resource=resource)
    assert send(body, signer).status_code == 200
    let_all_be_due()
    work_on_webhooks()
    return WebhookReceipt.objects.latest("pk")


def dispute(**changes: object) -> dict[str, object]:
    disputed = [{"seller_transaction_id": capture_id()}]
    return {"dispute_id": "PP-D-1", "disputed_transactions": disputed, "status": "OPEN", **changes}


def test_refund_made_at_paypal_is_recorded_and_stops_the_shipping(
    paypal: Emulator, signer: Signer, order: Order
) -> None:
    receipt = tell(signer, "PAYMENT.CAPTURE.REFUNDED", refund_at_paypal(paypal, "6.50"))
    assert (receipt.outcome, standing(order)[1]) == ("recorded", "PARTIALLY_REFUNDED")
    refund = Refund.objects.get()
    assert (str(refund.amount), refund.status, refund.request_id) == ("6.50", "COMPLETED", None)
    assert (order.flag, told_staff(order)) == ("refunded_at_paypal", ["refunded_at_paypal"])
    assert violations() == []
    with pytest.raises(Flagged):
        ship_order(order_id=order.pk, carrier="", tracking_number="", by="Lan")


def test_the_same_refund_told_twice_is_recorded_once(
    paypal: Emulator, signer: Signer, order: Order
) -> None:
    refund = refund_at_paypal(paypal)
    for event_type in ("PAYMENT.CAPTURE.REFUNDED", "PAYMENT.REFUND.COMPLETED"):
        tell(signer, event_type, refund)
    assert standing(order) == ("SUCCESS", "REFUNDED", "")
    assert events_of(order) == ["order.confirmed", "payment.refunded"]
    assert told_staff(order) == ["refunded_at_paypal"]


def test_webhook_of_our_own_refund_that_overtakes_the_answer_is_no_other_refund(
    paypal: Emulator, signer: Signer, order: Order
) -> None:
    from tests.payments.test_refunds import refund as ask_for_refund

    paypal.fault("refund", "truncated")
    ask_for_refund(order, "5.00")
    (unit,) = paypal.orders()[0]["purchase_units"]
    tell(signer, "PAYMENT.CAPTURE.REFUNDED", unit["payments"]["refunds"][0])
    assert Refund.objects.get().status == "COMPLETED"
    assert (standing(order)[1], order.flag) == ("PARTIALLY_REFUNDED", "")


def test_refund_of_money_not_recorded_yet_waits_for_it(
    paypal: Emulator, signer: Signer, order: Order
) -> None:
    refund = refund_at_paypal(paypal)
    Refund.objects.all().delete()
    found = Capture.objects.get()
    Capture.objects.update(paypal_id="LATER")
    assert tell(signer, "PAYMENT.CAPTURE.REFUNDED", refund).try_at is not None
    Capture.objects.update(paypal_id=found.paypal_id)
    let_all_be_due()
    work_on_webhooks()
    assert standing(order)[1] == "REFUNDED"


def test_reversal_flags_the_order_and_tells_staff_not_the_customer(
    paypal: Emulator, signer: Signer, order: Order
) -> None:
    reversal = paypal.reverse(capture_id())
    tell(signer, "PAYMENT.CAPTURE.REVERSED", reversal)
    assert standing(order) == ("SUCCESS", "REFUNDED", "")
    assert (order.flag, told_staff(order)) == ("reversed_at_paypal", ["reversed_at_paypal"])
    assert Event.objects.get(type="payment.refunded").personal["deliver_to"] == []
    assert violations() == []


def test_reversal_that_the_clock_found_first_is_still_called_so(
    paypal: Emulator, signer: Signer, order: Order
) -> None:
    reversal = paypal.reverse(capture_id())
    tell(signer, "PAYMENT.CAPTURE.REFUNDED", reversal)
    tell(signer, "PAYMENT.CAPTURE.REVERSED", reversal)
    order.refresh_from_db()
    assert order.flag == "reversed_at_paypal"
    assert told_staff(order) == ["refunded_at_paypal", "reversed_at_paypal"]


def test_dispute_flags_the_order_and_is_told_with_its_money(
    paypal: Emulator, signer: Signer, order: Order
) -> None:
    receipt = tell(signer, "CUSTOMER.DISPUTE.CREATED", dispute())
    tell(signer, "CUSTOMER.DISPUTE.UPDATED", dispute())
    order.refresh_from_db()
    assert (receipt.outcome, order.flag) == ("flagged", "disputed")
    (case,) = Event.objects.get(type="staff.attention").body["attention"]["cases"]
    assert case["money"] == {"amount": "16.50", "currency": "USD"}
    assert case["url"].endswith(f"/admin/orders/order/{order.pk}/change/")


def test_the_end_of_a_dispute_is_told_and_leaves_the_flag_to_staff(
    paypal: Emulator, signer: Signer, order: Order
) -> None:
    tell(signer, "CUSTOMER.DISPUTE.CREATED", dispute())
    outcome = {"outcome_code": "RESOLVED_SELLER_FAVOUR"}
    over = dispute(status="RESOLVED", dispute_outcome=outcome)
    tell(signer, "CUSTOMER.DISPUTE.RESOLVED", over)
    order.refresh_from_db()
    assert (order.flag, told_staff(order)) == ("disputed", ["disputed", "disputed"])


@pytest.mark.parametrize("event_type", ["PAYMENT.CAPTURE.DENIED", "PAYMENT.CAPTURE.DECLINED"])
def test_a_review_that_ends_badly_is_told_by_webhook(
    paypal: Emulator, signer: Signer, event_type: str
) -> None:
    paypal.fault("capture", "pending_review")
    order = placed_order()
    settle(approve(order).pk, by="return")
    paypal.review(capture_id(), "denied")
    tell(signer, event_type, {"id": capture_id()})
    assert standing(order) == ("FAILED", "FAILED", "declined")


@pytest.mark.parametrize("kind", ["http_500", "truncated", "reset", "html_502"])
def test_work_on_a_refund_that_paypal_did_not_answer_is_due_again(
    paypal: Emulator, signer: Signer, order: Order, kind: str
) -> None:
    refund = refund_at_paypal(paypal)
    paypal.fault("get_refund", kind)
    assert tell(signer, "PAYMENT.CAPTURE.REFUNDED", refund).try_at is not None
    let_all_be_due()
    assert work_on_webhooks() == 1
    assert standing(order)[1] == "REFUNDED"


@pytest.mark.parametrize(
    "resource", [None, {}, {"id": "\0"}, {"id": "x" * 41}, {"disputed_transactions": [5]}]
)
@pytest.mark.parametrize(
    "event_type",
    ["PAYMENT.CAPTURE.REFUNDED", "PAYMENT.CAPTURE.DENIED", "CUSTOMER.DISPUTE.CREATED"],
)
def test_an_event_that_names_nothing_usable_is_ignored(
    paypal: Emulator, signer: Signer, event_type: str, resource: object
) -> None:
    assert tell(signer, event_type, resource).outcome == "ignored"


def test_the_timeline_tells_what_paypal_told_of_refunds_and_disputes(
    paypal: Emulator, signer: Signer, order: Order
) -> None:
    tell(signer, "CUSTOMER.DISPUTE.CREATED", dispute())
    tell(signer, "PAYMENT.CAPTURE.REFUNDED", refund_at_paypal(paypal))
    told = [entry.text.split(":")[0] for entry in timeline_of(order) if entry.kind == "webhook"]
    assert told == ["CUSTOMER.DISPUTE.CREATED", "PAYMENT.CAPTURE.REFUNDED"]


def test_bodies_are_forgotten_after_ninety_days(
    paypal: Emulator, signer: Signer, order: Order
) -> None:
    receipt = tell(signer, "SOMETHING.NEW", {})
    assert forget_webhooks() == 0
    old = timezone.now() - timedelta(days=90, seconds=1)
    WebhookReceipt.objects.update(received_at=old)
    assert (forget_webhooks(), forget_webhooks()) == (1, 0)
    receipt.refresh_from_db()
    assert (receipt.body, receipt.headers, receipt.outcome) == ("", {}, "ignored")


@pytest.mark.parametrize(
    ("body", "changes", "reason"),
    [
        (b"{}", {}, "malformed"),
        (b"{}", {"paypal_transmission_sig": "Zm9yZ2Vk"}, "signature"),
        (b" " * 1_000_001, {}, "too_large"),
    ],
)
def test_refused_webhooks_are_counted_by_reason(
    paypal: Emulator, signer: Signer, body: bytes, changes: dict[str, str], reason: str
) -> None:
    name, labels = "ganh_webhooks_refused_total", {"reason": reason}
    before = REGISTRY.get_sample_value(name, labels) or 0
    assert send(body, signer, **changes).status_code in {400, 401, 413}
    assert REGISTRY.get_sample_value(name, labels) == before + 1
