"""Asking PayPal about one order at once."""

import pytest

from devtools.paypal.client import Emulator
from orders.flags import REFUSING_TO_SHIP
from payments.checking import check_with_paypal
from payments.gateway import Unanswered
from tests.factories import placed_order
from tests.paying import approve, standing

pytestmark = pytest.mark.django_db


def test_an_approved_payment_is_settled(paypal: Emulator) -> None:
    order = placed_order()
    approve(order, "leave")
    for _ in range(2):
        check_with_paypal(order_id=order.pk, by="Lan")
    assert standing(order) == ("SUCCESS", "SUCCESS", "")


def test_money_that_paypal_took_back_is_found(paypal: Emulator) -> None:
    order = placed_order()
    approve(order)
    check_with_paypal(order_id=order.pk, by="Lan")
    paypal.reverse(paypal.captures()[0]["id"])
    check_with_paypal(order_id=order.pk, by="Lan")
    order.refresh_from_db()
    assert order.flag in REFUSING_TO_SHIP


def test_no_answer_is_told(paypal: Emulator) -> None:
    order = placed_order()
    approve(order)
    paypal.fault("get", "http_503", count=9)
    with pytest.raises(Unanswered):
        check_with_paypal(order_id=order.pk, by="Lan")
    assert standing(order)[0] == "PENDING"
