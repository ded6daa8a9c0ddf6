"""Every stage, where it really happens: on the topic as its schema says, and mailed to whom it is.

The shop's own functions are called, with PayPal's emulator behind them; no event is made up.
"""

import json
import uuid
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from pytest_django import Settings

from devtools.mailbox.client import Mailbox
from devtools.paypal.client import Emulator
from inventory.holds import set_stock
from inventory.models import StockHold
from notifications.models import EmailDelivery, StageSetting
from notifications.stages import EVENT_TYPES, STAGES, UNTOLD_TYPES
from orders.fulfilment import mark_delivered, ship_order, undo_ship
from orders.models import Order
from payments.cancelling import cancel_by_shop
from payments.duties import end_holds, expire_orders, remind_customers
from payments.endings import cancel_by_customer
from payments.gateway import RemoteCapture
from payments.recording import record_captures
from payments.refunds import refund_payment
from payments.settlement import settle
from shop import promises
from shop.failures import record_failure
from shop.ownership import ownership
from shop.staff_digest import tell_staff_daily
from tests.factories import VariantFactory, placed_order, placement
from tests.notifications.conftest import publish_and_consume
from tests.notifications.schemas import validator
from tests.notifications.topic import headers_of, read_topic
from tests.paying import approve

pytestmark = pytest.mark.django_db(transaction=True)

Told = Counter[tuple[str, str]]  # event type and role


def leave_unpaid() -> None:
    """Be reminded, then expire; be superseded by the same cart's next order; cancel."""
    order = placed_order()
    StockHold.objects.filter(reference=order.transaction_id).update(
        held_until=timezone.now() + timedelta(minutes=4)
    )
    assert remind_customers() == 1
    Order.objects.filter(pk=order.pk).update(expires_at=timezone.now())
    assert expire_orders() == 1
    placed_order(cart_id=placed_order().cart_id)
    cancel_by_customer(order_id=placed_order().pk)


def wait_in_line() -> None:
    """Have one placement become an order late, and another nothing."""
    plenty, few = VariantFactory.create(), VariantFactory.create(stock=1)
    wishes = [placement(plenty), placement((few, 2))]
    for wish in wishes:
        promises.promise(wish)
    assert [bool(promises.keep(wish)) for wish in wishes] == [True, False]
    ownership.resign()


def pay() -> Order:
    """Pay at PayPal, and bring the stock down to its threshold."""
    order = placed_order((VariantFactory.create(stock=7), 2))
    settle(approve(order).pk, by="return")
    return order


def be_delivered() -> None:
    order = pay()
    ship_order(order_id=order.pk, carrier="VNPost", tracking_number="EE1", by="Lan")
    undo_ship(order_id=order.pk, by="Lan")
    ship_order(order_id=order.pk, carrier="UPS", tracking_number="1Z", by="Lan")
    mark_delivered(order_id=order.pk, by="Lan")


def get_money_back() -> None:
    """Get a part of it; then all that is left, since the shop cancels."""
    order = pay()
    refund_payment(
        order_id=order.pk, amount=Decimal(5), reason="Chipped", by="Lan", request_id=uuid.uuid4()
    )
    cancel_by_shop(order_id=order.pk, reason="Broken", by="Lan")


def be_refused(paypal: Emulator) -> None:
    """Have the card declined, the payment looked at, and another sum taken than was agreed."""
    settle(approve(placed_order(), "decline").pk, by="return")
    paypal.fault("capture", "pending_review")
    settle(approve(placed_order()).pk, by="return")
    wrong = RemoteCapture(id="C-1", status="COMPLETED", amount=Decimal("1.00"), currency="USD")
    record_captures(approve(placed_order()).pk, [wrong], by="webhook")


def approve_too_late() -> None:
    variant = VariantFactory.create()
    attempt = approve(placed_order(variant))
    StockHold.objects.update(held_until=timezone.now())
    end_holds()
    set_stock(sku=variant.sku, on_hand=0, by="test")
    settle(attempt.pk, by="return")


def fail_to_place() -> None:
    record_failure(placement(), ValueError("broken"))
    tell_staff_daily()


def go_through_everything(paypal: Emulator) -> None:
    leave_unpaid()
    wait_in_line()
    be_delivered()
    get_money_back()
    be_refused(paypal)
    approve_too_late()
    fail_to_place()


def told_on(topic: str) -> Told:
    """Return whom the topic's events are told to, each event valid by its schema."""
    told: Told = Counter()
    kinds = set()
    for message in read_topic(topic):
        kind, value = headers_of(message)["ce_type"], json.loads(message.value() or b"")
        validator(kind).validate(value)
        kinds.add(kind)
        told.update((kind, entry["role"]) for entry in value["deliver_to"])
    assert kinds == EVENT_TYPES
    return told


def test_every_stage_is_on_the_topic_as_its_schema_says_and_mailed(
    paypal: Emulator, kafka_topic: str, mailbox: Mailbox, settings: Settings
) -> None:
    settings.STAFF_EMAIL = ["staff@example.com"]
    StageSetting.objects.update(enabled=True)
    go_through_everything(paypal)
    publish_and_consume()
    told = told_on(kafka_topic)
    assert told.keys() == {(stage.type, stage.role.value) for stage in STAGES}
    entered = EmailDelivery.objects.values_list("event_type", "role", "status", "reason")
    assert Counter((kind, role) for kind, role, _, _ in entered) == told
    # What a cancellation gives back is told by the cancellation.
    unsent = [row for row in entered if row[2] != "SENT"]
    assert unsent == [("payment.refunded", "customer", "SKIPPED", "covered")]
    assert len(mailbox.messages()) == told.total() - 1


def test_stages_off_by_default_and_untold_ones_reach_nobody(
    paypal: Emulator, kafka_topic: str, mailbox: Mailbox, settings: Settings
) -> None:
    settings.STAFF_EMAIL = ["staff@example.com"]
    go_through_everything(paypal)
    publish_and_consume()
    told = told_on(kafka_topic)
    assert told.keys() == {(stage.type, stage.role.value) for stage in STAGES if stage.is_on}
    assert not UNTOLD_TYPES & {kind for kind, _ in told}
