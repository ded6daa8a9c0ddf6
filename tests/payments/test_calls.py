"""The traces of calls to PayPal: which are kept, and how long."""

from datetime import datetime, timedelta

import pytest
from django.db import InternalError
from django.utils import timezone

from devtools.paypal.client import Emulator
from payments import calls
from payments.duties import compare_captures, forget_calls
from payments.models import Capture, GatewayCall
from payments.settlement import settle
from tests.factories import placed_order
from tests.paying import approve, let_all_be_due

pytestmark = pytest.mark.django_db


def called(at: datetime) -> GatewayCall:
    return GatewayCall.objects.create(
        operation="get_order", about="5O190127TN364715T", outcome="answered", milliseconds=90, at=at
    )


def test_calls_are_forgotten_after_ninety_days() -> None:
    now = timezone.now()
    young = called(now - timedelta(days=90) + timedelta(minutes=1))
    called(now - timedelta(days=90, seconds=1))

    assert (forget_calls(), forget_calls()) == (1, 0)
    assert GatewayCall.objects.get() == young


def test_a_tick_forgets_a_bounded_number_and_the_oldest_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calls, "_MANY", 2)
    now = timezone.now()
    left, *_ = [called(now - timedelta(days=days)) for days in (91, 92, 93)]

    assert forget_calls() == 2
    assert GatewayCall.objects.get() == left


@pytest.mark.parametrize("age", [0, 88])
def test_postgresql_refuses_to_delete_a_young_one(age: int) -> None:
    call = called(timezone.now() - timedelta(days=age))

    with pytest.raises(InternalError, match="Cannot delete"):
        call.delete()


def test_postgresql_refuses_to_change_even_an_old_one() -> None:
    called(timezone.now() - timedelta(days=100))

    with pytest.raises(InternalError, match="Cannot update"):
        GatewayCall.objects.update(outcome="refused")


def test_the_daily_look_at_a_capture_leaves_no_row_unless_it_fails(paypal: Emulator) -> None:
    settle(approve(placed_order()).pk, by="return")
    for _ in range(3):
        let_all_be_due()
        assert compare_captures() == 1
    assert not GatewayCall.objects.filter(about=Capture.objects.get().paypal_id).exists()

    paypal.fault("get_capture", "http_503")
    let_all_be_due()
    compare_captures()
    call = GatewayCall.objects.get(about=Capture.objects.get().paypal_id)
    assert call.outcome == "unanswered: PayPal answered 503."
