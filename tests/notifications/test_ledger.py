"""Who sends which email, and what becomes of it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import InternalError, connection
from django.utils import timezone

from devtools.mailbox.client import Mailbox
from notifications.delivery import GIVE_UP_AFTER, judge
from notifications.ledger import Owner
from notifications.mailer import Answer, MailServerAway, Reply
from notifications.models import DeliveryStatus, EmailDelivery
from notifications.resending import NotResendable, resend_email
from tests.notifications.conftest import consume, publish, publish_and_consume
from tests.notifications.examples import DECLINED, delivery_of, record

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("kafka_topic"),
]


def make_due() -> None:
    """Let the time of every deferred email come."""
    EmailDelivery.objects.filter(status="DEFERRED").update(next_attempt_at=timezone.now())


@pytest.mark.usefixtures("long_pauses")
def test_refusal_for_now_defers_that_email_alone(mailbox: Mailbox) -> None:
    mailbox.fault("tempfail_451")
    first, second = record("G-1"), record("G-2")
    publish_and_consume()
    statuses = {delivery_of(first).status, delivery_of(second).status}
    assert statuses == {DeliveryStatus.DEFERRED, DeliveryStatus.SENT}
    deferred = EmailDelivery.objects.get(status="DEFERRED")
    assert deferred.attempts == 1
    assert "451" in deferred.error


@pytest.mark.usefixtures("long_pauses")
def test_later_email_of_an_order_waits_behind_a_deferred_one(mailbox: Mailbox) -> None:
    mailbox.fault("tempfail_451")
    refused = record("G-1", event_type="order.payment_failed", **DECLINED)
    confirmed = record("G-1")
    publish_and_consume()
    assert delivery_of(refused).status == DeliveryStatus.DEFERRED
    assert delivery_of(confirmed).status == DeliveryStatus.WAITING
    assert mailbox.messages() == []


@pytest.mark.usefixtures("long_pauses")
def test_waiting_emails_follow_once_the_earlier_one_was_sent(mailbox: Mailbox) -> None:
    mailbox.fault("tempfail_451")
    record("G-1", event_type="order.payment_failed", **DECLINED)
    publish_and_consume()
    record("G-1")
    publish_and_consume()
    assert mailbox.messages() == []
    make_due()
    assert consume() == 2
    subjects = [message["subject"] for message in mailbox.messages()]
    assert subjects == [
        "Your payment for order G-1 did not go through",
        "Your order G-1 is confirmed",
    ]


def test_refusal_for_good_fails_the_email_and_lets_the_next_go(mailbox: Mailbox) -> None:
    mailbox.fault("permfail_550")
    refused = record("G-1", event_type="order.payment_failed", **DECLINED)
    confirmed = record("G-1")
    publish_and_consume()
    assert delivery_of(refused).status == DeliveryStatus.FAILED
    assert "550" in delivery_of(refused).error
    assert delivery_of(confirmed).status == DeliveryStatus.SENT


def test_absent_mail_server_costs_no_attempt(mailbox: Mailbox) -> None:
    event = record("G-1")
    publish()
    mailbox.fault("refuse_connect", count=1)
    with pytest.raises(MailServerAway):
        consume()
    delivery = delivery_of(event)
    assert (delivery.status, delivery.attempts, delivery.unknown) == ("DEFERRED", 0, 0)
    assert consume() == 1


def test_refusals_for_a_day_end_as_a_dead_letter() -> None:
    now = timezone.now()
    email = EmailDelivery(attempts=40, first_refused_at=now - GIVE_UP_AFTER)
    outcome = judge(email, Reply(Answer.NOT_NOW, "451 later"), now)
    assert (outcome.status, outcome.reason) == (DeliveryStatus.DEAD, "attempts_spent")


def test_each_refusal_waits_longer_within_limits() -> None:
    now = timezone.now()
    for attempts, limit in [(0, 30), (1, 60), (20, 1800)]:
        outcome = judge(EmailDelivery(attempts=attempts), Reply(Answer.NOT_NOW), now)
        assert outcome.next_attempt_at
        assert timedelta() <= outcome.next_attempt_at - now <= timedelta(seconds=limit)


def test_email_whose_time_is_over_is_skipped(mailbox: Mailbox) -> None:
    stale = record("G-1", valid_until=timezone.now() - timedelta(seconds=1))
    covered = record("G-2", covered_by=uuid4())
    publish_and_consume()
    assert (delivery_of(stale).status, delivery_of(stale).reason) == ("SKIPPED", "stale")
    assert delivery_of(covered).reason == "covered"
    assert mailbox.messages() == []


def test_claim_of_a_dead_owner_is_taken_over_and_of_a_living_one_is_not() -> None:
    consumed_elsewhere = Owner("elsewhere")
    delivery = _claimed_by(consumed_elsewhere.token)
    owner = Owner("here")
    assert owner.take_due(10) == []
    consumed_elsewhere.resign()
    assert [row.pk for row in owner.take_due(10)] == [delivery.pk]
    owner.resign()


def test_email_whose_sending_nobody_finished_counts_as_unknown() -> None:
    delivery = _claimed_by(token=7, status=DeliveryStatus.SENDING)
    owner = Owner("here")
    assert owner.take_due(10)[0].unknown == 1
    owner.resign()
    assert delivery.unknown == 0


def test_owner_that_lost_an_email_may_not_send_it() -> None:
    delivery = _claimed_by(token=7)
    owner = Owner("here")
    assert owner.advance(following=[delivery.pk]) == set()
    assert owner.take_due(10)
    assert owner.advance(following=[delivery.pk]) == {delivery.pk}
    owner.resign()


def test_database_refuses_an_illegal_move() -> None:
    delivery = _claimed_by(token=7)
    EmailDelivery.objects.filter(pk=delivery.pk).update(status="SENDING")
    EmailDelivery.objects.filter(pk=delivery.pk).update(status="SENT")
    with pytest.raises(InternalError, match="cannot go from"):
        EmailDelivery.objects.filter(pk=delivery.pk).update(status="CLAIMED")


def test_resent_email_is_new_and_keeps_to_its_order(mailbox: Mailbox) -> None:
    event = record("G-1")
    publish_and_consume()
    first = delivery_of(event)
    second = resend_email(delivery_id=first.pk)
    assert consume() == 1
    ids = [message["message_id"] for message in mailbox.messages()]
    assert ids == [first.message_id, second.message_id]
    assert first.message_id != second.message_id


def test_email_of_a_forgotten_customer_cannot_be_resent(mailbox: Mailbox) -> None:
    event = record("G-1")
    publish_and_consume()
    type(event).objects.filter(pk=event.pk).update(personal={})
    with pytest.raises(NotResendable):
        resend_email(delivery_id=delivery_of(event).pk)


def test_ended_consumer_leaves_no_lock(mailbox: Mailbox) -> None:
    record("G-1")
    publish_and_consume()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON database = pg_database.oid"
            " WHERE locktype = 'advisory' AND datname = current_database()"
        )
        assert cursor.fetchone() == (0,)


def _claimed_by(token: int, status: DeliveryStatus = DeliveryStatus.CLAIMED) -> EmailDelivery:
    return EmailDelivery.objects.create(
        event_id=uuid4(),
        role="customer",
        address_hash="x",
        event_type="order.confirmed",
        subject="G-1",
        recorded_at=timezone.now(),
        email="mai@example.com",
        name="",
        locale="en",
        message_id="<x@y>",
        topic="t",
        status=status,
        owner=token,
        headers=[],
        value=b"{}",
    )
