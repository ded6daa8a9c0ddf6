"""What an order's customer was sent, for staff to look at: nothing of it can run."""

import html
import re
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notifications.emails import address_hash
from notifications.ledger import NewDelivery, enter_unowned
from notifications.models import EmailDelivery, Event, PublishedEvent
from orders.events import record_order_event
from orders.models import Order
from shop.timeline import timeline_of
from tests.factories import contact, placed_order
from tests.shop.flows import paid_order

pytestmark = pytest.mark.django_db


def mailed(order: Order, event_type: str = "order.confirmed") -> EmailDelivery:
    """Enter the order's receipt, or another email, in the ledger, as the consumer does."""
    event = Event.objects.get(subject=order.number, type=event_type)
    hashed = address_hash(order.email)
    enter_unowned(
        [
            NewDelivery(
                event_id=event.pk,
                role="customer",
                address_hash=hashed,
                event_type=event.type,
                subject=event.subject,
                recorded_at=event.recorded_at,
                email=order.email,
                name=order.full_name,
                locale=order.locale,
                message_id="<1@example.com>",
                topic="t",
                partition=0,
                offset=0,
                headers=[],
                value=b"{}",
            )
        ]
    )
    return EmailDelivery.objects.get(event_id=event.pk)


def address(order: Order, delivery: EmailDelivery) -> str:
    return reverse("admin:orders_order_email", args=[order.pk, delivery.pk])


def test_the_receipt_is_shown_as_its_reader_sees_it(admin_client: Client) -> None:
    order = paid_order()
    page = admin_client.get(address(order, mailed(order))).text
    assert "<iframe" in page
    assert "sandbox srcdoc=" in page
    assert order.number in page


def test_a_reminder_read_later_still_says_what_it_said(admin_client: Client) -> None:
    order = placed_order()
    until = timezone.now() - timedelta(hours=1)
    with transaction.atomic():
        event = record_order_event(
            order, "order.payment_reminder", hold={"until": until.isoformat()}
        )
    delivery = mailed(order, event.type)
    sent_at = until - timedelta(minutes=5)
    EmailDelivery.objects.filter(pk=delivery.pk).update(settled_at=sent_at)
    assert "for about 5 more minutes" in admin_client.get(address(order, delivery)).text


def test_the_timeline_says_where_each_event_is_and_what_became_of_its_email() -> None:
    order = paid_order()
    delivery = mailed(order)
    event = Event.objects.get(pk=delivery.event_id)
    PublishedEvent.objects.create(event=event, topic="email-notification", partition=3, offset=7)
    EmailDelivery.objects.filter(pk=delivery.pk).update(attempts=2, unknown=1)
    told = {entry.text for entry in timeline_of(order)}
    assert f"order.confirmed ({event.pk}), published as email-notification[3]@7" in told
    (email,) = (text for text in told if text.startswith("Email order.confirmed to "))
    assert email.endswith("CLAIMED, handed over 2 times, 1 of them without an answer")


def test_what_a_customer_wrote_stays_text(admin_client: Client) -> None:
    order = paid_order(contact=contact(full_name="<script>alert(1)</script>"))
    page = admin_client.get(address(order, mailed(order))).text
    assert "<script>alert" not in page
    framed = re.findall(r'srcdoc="([^"]*)"', page)
    assert "</html>" in html.unescape(framed[0])
    assert "<script" not in html.unescape(framed[0])


def test_an_email_is_shown_with_its_own_order_only(admin_client: Client) -> None:
    delivery = mailed(paid_order())
    assert admin_client.get(address(paid_order(), delivery)).status_code == 404


def test_the_timeline_leads_to_it(admin_client: Client) -> None:
    order = paid_order()
    delivery = mailed(order)
    page = admin_client.get(reverse("admin:orders_order_change", args=[order.pk])).text
    assert address(order, delivery) in page
