"""The books: balanced after real flows, and every kind of corruption found."""

from uuid import uuid4

import pgtrigger
import pytest
from django.db import connection
from django.utils import timezone

from notifications.account_emails import AccountEmail, queue_account_email
from notifications.models import (
    DeadLetter,
    DeliveryStatus,
    EmailDelivery,
    Event,
    OutboxEntry,
    PublishedEvent,
)
from notifications.outbox import Recipient
from orders.models import Order
from shop.books import check_books, find_violations
from shop.invariants import INVARIANTS
from shop.models import BooksCheck
from tests.notifications.examples import record
from tests.shop.flows import shop_in_use

CORRUPTIONS = [
    ("stock_is_its_movements", "UPDATE inventory_stock SET on_hand = on_hand + 1"),
    ("held_is_open_holds", "UPDATE inventory_stock SET held = held + 1"),
    ("holds_have_moved", "UPDATE inventory_stockhold SET status = 'RELEASED'"),
    ("holds_are_lines", "UPDATE inventory_stockhold SET quantity = quantity + 1"),
    ("holds_are_lines", "DELETE FROM orders_orderline"),
    ("holds_agree_with_orders", "UPDATE orders_order SET status = 'DELIVERED', reason = ''"),
    ("returns_are_taken_back", "UPDATE inventory_stockhold SET returned = quantity"),
    ("orders_add_up", "UPDATE orders_orderline SET unit_price = 1"),
    ("orders_add_up", "DELETE FROM orders_orderline"),
    ("orders_have_their_payment", "UPDATE payments_payment SET amount = amount + 1"),
    ("orders_have_their_payment", "UPDATE payments_payment SET transaction_id = gen_random_uuid()"),
    ("orders_have_their_payment", "UPDATE orders_order SET currency = 'EUR'"),
    ("statuses_agree", "UPDATE payments_payment SET status = 'SUCCESS'"),
    ("paid_payments_have_their_capture", "UPDATE payments_capture SET amount = amount - 1"),
    ("paid_payments_have_their_capture", "UPDATE payments_capture SET is_settling = false"),
    ("paid_payments_have_their_capture", "UPDATE payments_capture SET status = 'DECLINED'"),
    ("refunds_agree", "UPDATE payments_payment SET status = 'REFUNDED' WHERE status = 'SUCCESS'"),
    (
        "captured_money_is_accounted_for",
        "UPDATE orders_order SET flag = ''; DELETE FROM payments_refund",
    ),
    ("captured_money_is_accounted_for", "UPDATE payments_refund SET amount = amount * 2"),
    ("open_refunds_are_followed", "UPDATE payments_refund SET ask_at = NULL"),
    ("refunds_have_their_event", "UPDATE payments_refund SET status = 'COMPLETED'"),
    ("orders_have_their_history", "DELETE FROM orders_ordertransition WHERE old = ''"),
    ("orders_have_their_history", "UPDATE orders_order SET status = 'PENDING', reason = ''"),
    ("payments_have_their_history", "DELETE FROM payments_paymenttransition WHERE old <> ''"),
    ("steps_have_their_event", "UPDATE notifications_event SET type = 'order.delivered'"),
    (
        "steps_have_their_event",
        "UPDATE notifications_event SET type = 'order.placed' WHERE type = 'order.confirmed'",
    ),
    ("events_are_on_their_way", "DELETE FROM notifications_outboxentry"),
]


def _violations(name: str) -> int:
    invariant = next(one for one in INVARIANTS if one.name == name)
    return find_violations(invariant).violations


def _corrupt(statement: str) -> None:
    with pgtrigger.ignore(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
def test_a_shop_in_use_balances() -> None:
    shop_in_use()

    books = check_books()

    assert {finding.name for finding in books.findings if finding.violations} == set()
    assert BooksCheck.objects.get().violations == 0


@pytest.mark.django_db(transaction=True)
def test_an_empty_shop_balances() -> None:
    assert check_books().is_balanced


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "statement"), CORRUPTIONS)
def test_corrupted_rows_are_found(name: str, statement: str) -> None:
    shop_in_use()
    _corrupt(statement)

    assert _violations(name)


@pytest.mark.django_db
def test_an_order_without_its_payment_is_found() -> None:
    shop_in_use()
    _corrupt(
        "DELETE FROM payments_paymenttransition; DELETE FROM payments_refund;"
        "DELETE FROM payments_capture; DELETE FROM payments_paymentattempt;"
        "DELETE FROM payments_payment"
    )

    assert _violations("orders_have_their_payment") == Order.objects.count()


@pytest.mark.django_db
def test_an_email_about_nothing_is_found() -> None:
    EmailDelivery.objects.create(
        event_id=uuid4(), recorded_at=timezone.now(), status=DeliveryStatus.SKIPPED, topic="t"
    )

    assert _violations("emails_have_their_event") == 1


def _published(offset: int, *, partition: int = 0) -> Event:
    event = record("G-1")
    OutboxEntry.objects.all().delete()
    PublishedEvent.objects.create(event=event, topic="t", partition=partition, offset=offset)
    return event


def _entered(event: Event, *, resend: int = 0) -> None:
    at = event.publication
    EmailDelivery.objects.create(
        event_id=event.pk,
        resend=resend,
        recorded_at=event.recorded_at,
        status=DeliveryStatus.SKIPPED,
        topic=at.topic,
        partition=at.partition,
        offset=at.offset,
    )


@pytest.mark.django_db
def test_an_event_behind_which_a_consumer_went_on_is_found() -> None:
    passed_over, later, _not_read_yet = _published(4), _published(5), _published(6)
    _published(4, partition=1)
    assert _violations("no_event_was_passed_over") == 0

    _entered(later)
    assert _violations("no_event_was_passed_over") == 1

    OutboxEntry.objects.create(event=passed_over)
    assert _violations("no_event_was_passed_over") == 0


@pytest.mark.django_db
def test_an_event_that_is_a_dead_letter_or_for_nobody_was_not_passed_over() -> None:
    dead, untold, later = _published(4), _published(5), _published(6)
    DeadLetter.objects.create(event_id=str(dead.pk), headers={})
    with pgtrigger.ignore():
        Event.objects.filter(pk=untold.pk).update(personal={})
    _entered(later)

    assert _violations("no_event_was_passed_over") == 0


@pytest.mark.django_db
def test_who_reads_a_topic_made_anew_or_an_old_message_again_has_passed_over_nothing() -> None:
    _entered(_published(5000))  # of the topic before
    _published(4)
    old, replayed = _published(10), _published(11)
    DeadLetter.objects.create(event_id=str(replayed.pk), headers={})
    _entered(old, resend=1)
    _entered(replayed)

    assert _violations("no_event_was_passed_over") == 0


@pytest.mark.django_db
def test_an_email_about_an_account_needs_no_event() -> None:
    to = Recipient("mai@example.com", "", "vi")
    queue_account_email(AccountEmail.EXISTS, to=to, links={})

    assert _violations("emails_have_their_event") == 0


def test_every_invariant_is_shown_to_fail() -> None:
    shown = {name for name, _ in CORRUPTIONS} | {
        "emails_have_their_event",
        "no_event_was_passed_over",
    }

    assert shown == {invariant.name for invariant in INVARIANTS}


@pytest.mark.django_db(transaction=True)
def test_no_more_than_five_examples_are_kept() -> None:
    shop_in_use()
    _corrupt("UPDATE orders_order SET currency = 'EUR'")

    finding = next(f for f in check_books().findings if f.name == "orders_have_their_payment")
    assert finding.violations == Order.objects.count() > len(finding.examples) == 5
