"""What a lock that was waited for shows, and the order in which locks are taken."""

import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from inventory import holds
from inventory.holds import set_stock
from inventory.models import Stock, StockHold
from payments.lifecycle import AttemptStatus
from payments.locks import lock_attempt, lock_order
from payments.models import PaymentAttempt
from tests.factories import placed_order

pytestmark = pytest.mark.django_db(transaction=True)

Result = TypeVar("Result")
_WAITING = """
    SELECT EXISTS (SELECT FROM pg_locks
                   WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))
"""


def start(pool: ThreadPoolExecutor, work: Callable[[], Result]) -> "Future[Result]":
    """Start work in a transaction of its own; return once it waits for ours."""

    def run() -> Result:
        try:
            with transaction.atomic():
                return work()
        finally:
            connection.close()

    future = pool.submit(run)
    deadline = time.monotonic() + 30
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_WAITING)
            if cursor.fetchone() == (True,):
                return future
            assert time.monotonic() < deadline, "It does not wait for a lock."
            time.sleep(0.01)


def is_locked(sku: str) -> bool:
    """Say whether another transaction has locked this SKU."""
    try:
        with transaction.atomic():
            Stock.objects.select_for_update(nowait=True, no_key=True).get(sku=sku)
    except OperationalError:
        return True
    return False


def test_an_attempt_is_seen_as_it_is_once_its_lock_was_waited_for() -> None:
    order = placed_order()
    attempt = PaymentAttempt.objects.create(
        payment=order.payment, number=1, create_request_id=uuid.uuid4(), opened_at=timezone.now()
    )
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            lock_order(order.pk)
            attempt.close(issue="TEST", at=timezone.now())
            seen = start(pool, lambda: lock_attempt(attempt.pk, by="test"))
        assert seen.result(30).attempt.status == AttemptStatus.CLOSED


def test_holds_lock_their_stock_in_sku_order_wherever_the_rows_lie() -> None:
    reference, now = uuid.uuid4(), timezone.now()
    for sku in ("C", "B", "A"):
        set_stock(sku=sku, on_hand=5, by="test")
    with transaction.atomic():
        wanted = {"A": 1, "B": 1, "C": 1}
        holds.hold(reference=reference, quantities=wanted, until=now, by="test", at=now)
    for sku in ("C", "B", "A"):  # PostgreSQL writes each anew behind the others
        StockHold.objects.filter(stock=sku).update(held_until=timezone.now())
    with ThreadPoolExecutor(1) as pool, ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            Stock.objects.locked().get(sku="B")
            released = start(pool, lambda: holds.release(reference=reference, by="test", at=now))
            locked = [other.submit(_looked_at, sku).result(30) for sku in ("A", "C")]
        assert released.result(30)
    assert locked == [True, False]


def _looked_at(sku: str) -> bool:
    try:
        return is_locked(sku)
    finally:
        connection.close()
