"""Every stage, driven by the shop's own functions: on the topic as its schema says, and mailed."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from devtools.mailbox.client import Mailbox
from inventory.models import StockHold
from notifications.models import DeliveryStatus, EmailDelivery, StageSetting
from orders.attention import call_staff
from orders.flags import Flag
from orders.fulfilment import mark_delivered, ship_order, undo_ship
from orders.models import Order
from payments.duties import expire_orders, remind_customers
from payments.endings import cancel_by_customer
from payments.locks import lock_order
from tests.factories import VariantFactory, placed_order
from tests.notifications.conftest import publish_and_consume
from tests.notifications.schemas import validator
from tests.notifications.topic import headers_of, read_topic
from tests.shop.flows import attempt_at, captured, paid_order

pytestmark = pytest.mark.django_db(transaction=True)

# Each happens below; the rest have their own tests, where PayPal has to play a part.
HAPPENED = {
    "order.placed",
    "order.payment_reminder",
    "order.expired",
    "order.payment_failed",
    "order.payment_review",
    "order.confirmed",
    "order.shipped",
    "order.ship_undone",
    "order.delivered",
    "order.superseded",
    "stock.low",
    "staff.attention",
}


def _unpaid() -> None:
    reminded = placed_order()
    StockHold.objects.filter(reference=reminded.transaction_id).update(
        held_until=timezone.now() + timedelta(minutes=4)
    )
    remind_customers()
    Order.objects.filter(pk=reminded.pk).update(expires_at=timezone.now())
    expire_orders()
    cancel_by_customer(order_id=placed_order().pk)
    first = placed_order()
    placed_order(cart_id=first.cart_id)


def _paid() -> None:
    order = paid_order()
    ship_order(order_id=order.pk, carrier="VNPost", tracking_number="EE1", by="Lan")
    undo_ship(order_id=order.pk, by="Lan")
    ship_order(order_id=order.pk, carrier="UPS", tracking_number="1Z", by="Lan")
    mark_delivered(order_id=order.pk, by="Lan")
    reviewed = placed_order((VariantFactory.create(stock=8), 4))
    captured(attempt_at(reviewed), reviewed.total, status="PENDING")
    with transaction.atomic():
        locked, _ = lock_order(reviewed.pk)
        call_staff(locked, Flag.DISPUTED, amount=Decimal("3.00"), currency="USD")


def test_every_stage_is_on_the_topic_as_its_schema_says_and_mailed(
    kafka_topic: str, mailbox: Mailbox, settings: Settings
) -> None:
    settings.STAFF_EMAIL = ["staff@example.com"]
    StageSetting.objects.update(enabled=True)
    _unpaid()
    _paid()
    publish_and_consume()
    messages = read_topic(kafka_topic)
    wanted = 0
    for message in messages:
        kind, value = headers_of(message)["ce_type"], json.loads(message.value() or b"")
        validator(kind).validate(value)
        wanted += len(value["deliver_to"])
    assert {headers_of(message)["ce_type"] for message in messages} == HAPPENED
    assert set(EmailDelivery.objects.values_list("status", flat=True)) == {DeliveryStatus.SENT}
    assert len(mailbox.messages()) == wanted == EmailDelivery.objects.count()
