"""Promises: durable first, kept once, whoever keeps them, and told."""

import threading
import uuid
from collections.abc import Generator
from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import psycopg2
import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from inventory.models import Stock
from notifications.models import Event
from orders.models import Order
from shop import intake, promises
from shop.books import check_books
from shop.checkout import place_order
from shop.intake import Intake, Promised
from shop.models import FailedPlacement, PlacementPromise, Variant
from shop.ownership import Ownership, ownership
from shop.placement import ForeignCheckoutKey, LinesUnavailable, Placement
from tests.factories import VariantFactory, placement
from tests.together import together

pytestmark = pytest.mark.django_db(transaction=True)

_PATIENCE_SECONDS = 30


@pytest.fixture(autouse=True)
def _resign() -> Generator[None]:
    yield
    ownership.resign()


@pytest.fixture
def tea() -> Variant:
    return VariantFactory.create(stock=3)


def promised(wish: Placement) -> PlacementPromise:
    promises.promise(wish)
    return PlacementPromise.objects.get(pk=wish.checkout_key)


def told() -> list[str]:
    return list(Event.objects.order_by("recorded_at").values_list("type", flat=True))


def test_promise_is_kept_and_told(tea: Variant) -> None:
    wish = placement(tea)
    promised(wish)
    order = promises.keep(wish)
    row = PlacementPromise.objects.get()
    assert (row.status, row.order) == ("PLACED", order)
    assert told() == ["order.placed", "order.ready_to_pay"]
    assert check_books().is_balanced


def test_kept_once(tea: Variant) -> None:
    wish = placement(tea)
    promised(wish)
    promises.keep(wish)
    assert promises.keep(wish) is None
    assert Order.objects.count() == 1
    assert told().count("order.ready_to_pay") == 1


def test_refusal_is_told_with_what_is_left() -> None:
    tea = VariantFactory.create(stock=1)
    wish = placement((tea, 2))
    promised(wish)
    assert promises.keep(wish) is None
    row = PlacementPromise.objects.get()
    assert (row.status, row.reason) == ("REFUSED", "unavailable")
    body = Event.objects.get(type="placement.refused").body["placement"]
    assert body["lines"][0]["available"] == 1
    assert not Order.objects.exists()
    assert Stock.objects.get().held == 0


def test_changed_price_is_asked_not_charged(tea: Variant) -> None:
    wish = placement(tea, shown_total=Decimal("1.00"))
    promised(wish)
    promises.keep(wish)
    body = Event.objects.get(type="placement.refused").body["placement"]
    assert (body["reason"], body["total"]["amount"]) == ("price_changed", "16.50")


def test_promise_of_an_hour_ago_makes_no_order(tea: Variant) -> None:
    wish = placement(tea)
    promised(wish)
    PlacementPromise.objects.update(promised_at=timezone.now() - timedelta(minutes=61))
    promises.keep(wish)
    assert PlacementPromise.objects.get().reason == "too_old"
    assert not Order.objects.exists()


def test_another_wish_under_the_key_takes_its_place(tea: Variant) -> None:
    wish = placement(tea)
    changed = replace(wish, items=((tea.sku, 2),))
    promised(wish)
    promised(changed)
    assert promises.keep(wish) is None
    order = promises.keep(changed)
    assert order is not None
    assert order.lines.get().quantity == 2


def test_same_wish_again_leaves_the_promise_to_its_owner(tea: Variant) -> None:
    wish = placement(tea)
    first = promised(wish)
    ownership.resign()
    assert promised(wish).owner == first.owner


def test_nobody_takes_over_anothers_key(tea: Variant) -> None:
    wish = placement(tea)
    promised(wish)
    with pytest.raises(ForeignCheckoutKey):
        promises.promise(replace(wish, cart_id=uuid.uuid4()))


def test_sent_again_after_a_refusal_it_begins_anew(tea: Variant) -> None:
    wish = placement((tea, 4))
    promised(wish)
    promises.keep(wish)
    Stock.objects.update(on_hand=9)
    promised(wish)
    assert promises.keep(wish) is not None


# --- Who keeps it


def test_clock_leaves_a_living_owners_promise_alone(tea: Variant) -> None:
    promised(placement(tea))
    assert promises.keep_abandoned() == 0


def test_clock_keeps_what_a_dead_process_promised(tea: Variant) -> None:
    promised(placement(tea))
    ownership.resign()
    assert promises.keep_abandoned() == 1
    assert PlacementPromise.objects.get().status == "PLACED"
    assert promises.keep_abandoned() == 0


def test_lost_session_is_another_owner() -> None:
    mine = Ownership()
    first = mine.key()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks"
            " WHERE locktype = 'advisory' AND ((classid::bigint << 32) | objid::bigint) = %s",
            [first],
        )
    assert mine.key() != first
    mine.resign()


def test_two_clocks_and_the_owner_make_one_order(tea: Variant) -> None:
    wish = placement(tea)
    promised(wish)
    ownership.resign()
    outcomes = together(
        [promises.keep_abandoned, promises.keep_abandoned, lambda: promises.keep(wish)]
    )
    assert not [one for one in outcomes if isinstance(one, Exception)]
    assert Order.objects.count() == 1
    assert told() == ["order.placed", "order.ready_to_pay"]


def test_error_of_the_clock_leaves_it_to_staff_and_goes_on(
    tea: Variant, monkeypatch: pytest.MonkeyPatch
) -> None:
    promised(placement(tea))
    ownership.resign()

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(promises, "answer", fail)
    assert promises.keep_abandoned() == 1
    assert PlacementPromise.objects.get().status == "FAILED"
    assert FailedPlacement.objects.get().error == "ZeroDivisionError: "
    assert promises.keep_abandoned() == 0


# --- Given while the placement is at work already


def done(result: Order | Exception) -> Future[Order | None]:
    future: Future[Order | None] = Future()
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
    return future


def test_result_known_before_the_promise_is_recorded(tea: Variant) -> None:
    wish = placement(tea)
    order = place_order(wish)
    promised(wish)
    promises.record_result(wish, done(order))
    assert PlacementPromise.objects.get().order == order
    assert told() == ["order.placed", "order.ready_to_pay"]


def test_refusal_known_before_the_promise_is_recorded(tea: Variant) -> None:
    wish = placement(tea)
    promised(wish)
    promises.record_result(wish, done(LinesUnavailable(())))
    assert PlacementPromise.objects.get().status == "REFUSED"
    assert told() == ["placement.refused"]


def test_result_that_cannot_be_recorded_goes_to_the_clock(
    tea: Variant, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = placement(tea)
    order = place_order(wish)
    promised(wish)

    def lose(*_: object) -> None:
        raise psycopg2.OperationalError

    monkeypatch.setattr(promises, "_record_order", lose)
    promises.record_result(wish, done(order))
    assert promises.keep_abandoned() == 1
    assert PlacementPromise.objects.get().order == order
    assert Order.objects.count() == 1


def test_slow_placement_is_promised_and_then_kept(
    tea: Variant, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    small = Intake(workers=1, queue=5)
    gate = threading.Event()

    def slow(wish: Placement) -> Order:
        gate.wait(_PATIENCE_SECONDS)
        return place_order(wish)

    monkeypatch.setattr(intake, "_intake", small)
    monkeypatch.setattr(intake, "place_order", slow)
    settings.INTAKE_WAIT_SECONDS = 0.05
    for _ in ("at work", "in line"):
        with pytest.raises(Promised):
            intake.place(lambda: placement(tea))
    assert PlacementPromise.objects.filter(status="WAITING").count() == 2
    gate.set()
    small._pool.shutdown()
    assert set(PlacementPromise.objects.values_list("status", flat=True)) == {"PLACED"}
    assert told().count("order.ready_to_pay") == 2
    assert check_books().is_balanced
