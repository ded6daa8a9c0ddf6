"""Stray money whose refund PayPal refused: staff try again, and the books see it until then."""

import uuid

import pytest

from devtools.paypal.client import Emulator
from orders.fulfilment import clear_flag
from orders.models import Order
from payments.duties import send_refunds
from payments.endings import cancel_by_customer
from payments.models import Capture, Payment, Refund
from payments.paypal import gateway
from payments.refunds import CapturePending, NothingLeft, NotStray, refund_stray
from payments.settlement import settle
from tests.factories import placed_order
from tests.paying import approve, events_of, let_all_be_due, told_staff, violations

pytestmark = pytest.mark.django_db


def stray_money(paypal: Emulator, *, capture: str = "", refund: str = "decline") -> Order:
    """Return an ended order that was paid all the same; its refund meets a fault, if named."""
    order = placed_order()
    attempt = approve(order)
    cancel_by_customer(order_id=order.pk)
    if capture:
        paypal.fault("capture", capture)
    gateway().capture_order(str(attempt.paypal_order_id), request_id=uuid.uuid4())
    settle(attempt.pk, by="clock")
    if refund:
        paypal.fault("refund", refund)
    send_refunds()
    order.refresh_from_db()
    return order


def try_again(request_id: uuid.UUID | None = None) -> None:
    refund_stray(
        capture_id=Capture.objects.get().pk, by="Lan", request_id=request_id or uuid.uuid4()
    )


def refunds() -> list[str]:
    return list(Refund.objects.values_list("status", flat=True))


def test_a_refused_refund_of_stray_money_is_tried_again(paypal: Emulator) -> None:
    order = stray_money(paypal)
    assert (refunds(), order.flag) == (["FAILED"], "refund_failed")

    try_again()

    assert refunds() == ["FAILED", "COMPLETED"]
    assert paypal.captures()[0]["status"] == "REFUNDED"
    assert events_of(order)[-1] == "payment.refunded"
    assert Payment.objects.get().status == "FAILED"
    assert violations() == []


def test_second_click_finds_the_first_ones_refund(paypal: Emulator) -> None:
    stray_money(paypal)
    form = uuid.uuid4()

    for _ in range(2):
        try_again(form)

    assert refunds() == ["FAILED", "COMPLETED"]


def test_another_form_finds_nothing_left(paypal: Emulator) -> None:
    stray_money(paypal)
    try_again()

    with pytest.raises(NothingLeft):
        try_again()


def test_lost_answer_is_asked_for_again_as_the_same_request(paypal: Emulator) -> None:
    stray_money(paypal)
    paypal.fault("refund", "timeout_after_commit", delay_ms=100)
    paypal.fault("refund", "truncated")
    try_again()
    let_all_be_due()
    send_refunds()
    let_all_be_due()
    send_refunds()

    assert refunds() == ["FAILED", "COMPLETED"]
    assert paypal.captures()[0]["status"] == "REFUNDED"


def test_refused_again_is_told_again(paypal: Emulator) -> None:
    order = stray_money(paypal)
    paypal.fault("refund", "decline")

    try_again()

    assert told_staff(order) == ["stray_money", "refund_failed", "refund_failed"]


def test_what_is_under_review_cannot_go_back_yet(paypal: Emulator) -> None:
    stray_money(paypal, capture="pending_review", refund="")

    with pytest.raises(CapturePending):
        try_again()


def test_what_paid_the_order_is_not_stray(paypal: Emulator) -> None:
    settle(approve(placed_order()).pk, by="return")

    with pytest.raises(NotStray):
        try_again()


def test_the_books_see_it_once_its_flag_is_cleared(paypal: Emulator) -> None:
    order = stray_money(paypal)
    assert violations() == []

    clear_flag(order_id=order.pk, note="Seen.", by="Lan")
    assert violations() == ["captured_money_is_accounted_for"]

    try_again()
    assert violations() == []
