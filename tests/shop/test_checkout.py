"""place_order(): what one wish to order becomes, first, again and changed."""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inventory.holds import set_stock
from inventory.models import Stock, StockHold
from notifications.models import Event
from orders.lifecycle import FailureReason, OrderStatus
from orders.models import Order
from payments.endings import cancel_by_customer
from payments.lifecycle import PaymentStatus
from payments.models import Payment
from shop.checkout import place_order
from shop.models import Variant
from shop.placement import (
    DeliveryUnavailable,
    EmptyCart,
    ForeignCheckoutKey,
    LinesUnavailable,
    Placement,
    PlacementRefused,
    PriceChanged,
    UnavailableLine,
)
from tests.factories import DeliveryMethodFactory, VariantFactory, contact, placement
from tests.paying import on_shelf

pytestmark = pytest.mark.django_db


@pytest.fixture
def tea() -> Variant:
    return VariantFactory.create(stock=3)


def everything() -> dict[str, list[Any]]:
    """Return every row of the shop's tables."""
    ours = {"orders", "payments", "inventory", "notifications", "shop"}
    return {
        model.__name__: list(model._default_manager.order_by("pk").values())
        for model in apps.get_models()
        if model._meta.app_label in ours
    }


# --- A first time


def test_order_and_payment_begin_together_under_one_id(tea: Variant) -> None:
    order = place_order(placement((tea, 2)))
    payment = Payment.objects.get()
    assert payment.transaction_id == order.transaction_id
    assert (order.status, payment.status) == ("PENDING", "PENDING")
    assert (payment.amount, payment.currency) == (order.total, "USD")
    assert [t.new for t in order.transitions.all()] == ["PENDING"]
    assert [t.new for t in payment.transitions.all()] == ["PENDING"]
    assert Event.objects.get().type == "order.placed"


def test_stock_is_held_under_the_orders_id(tea: Variant) -> None:
    order = place_order(placement((tea, 2)))
    hold = StockHold.objects.get(reference=order.transaction_id)
    assert (hold.stock_id, hold.quantity, hold.status) == (tea.sku, 2, "HELD")
    assert order.placed_at < hold.held_until < order.expires_at
    assert on_shelf(tea.sku) == (3, 2)


def test_totals_add_up(tea: Variant) -> None:
    cup = VariantFactory.create(price=Decimal("3.99"))
    order = place_order(placement((tea, 2), (cup, 3)))
    assert order.items_total == Decimal("36.97")
    assert order.delivery_price == Decimal("4.00")
    assert order.total == Decimal("40.97")
    assert sum(line.total for line in order.lines.all()) == order.items_total


@pytest.mark.parametrize(
    ("locale", "names"),
    [
        ("en", ("Lotus tea", "100 g", "Standard delivery")),
        ("vi", ("Trà sen", "100 gam", "Giao tiêu chuẩn")),
    ],
)
def test_names_are_in_the_orders_language(
    tea: Variant, locale: str, names: tuple[str, str, str]
) -> None:
    order = place_order(placement(tea, locale=locale))
    line = order.lines.get()
    assert (line.name, line.variant_name, order.delivery_name) == names


def test_cheapest_delivery_is_taken_when_none_is_named(tea: Variant) -> None:
    DeliveryMethodFactory.create(slug="slow", price=Decimal("1.00"))
    DeliveryMethodFactory.create(slug="fast", price=Decimal("9.00"))
    assert place_order(placement(tea)).delivery_price == Decimal("1.00")
    assert place_order(placement(tea, delivery="fast")).delivery_price == Decimal("9.00")


def test_placement_survives_json(tea: Variant) -> None:
    wish = placement((tea, 2), shown_total=Decimal("29.00"))
    again = Placement.from_json(json.loads(json.dumps(wish.to_json())))
    assert again == wish
    assert again.fingerprint == wish.fingerprint


def test_statements_do_not_grow_with_the_lines() -> None:
    counts = []
    for lines in (1, 20, 200):
        wish = placement(*VariantFactory.create_batch(lines))
        with CaptureQueriesContext(connection) as queries:
            assert place_order(wish).lines.count() == lines
        counts.append(len(queries) - 1)  # the lines were counted
    assert len(set(counts)) == 1
    assert counts[0] <= 12


# --- Again


def test_same_wish_finds_its_order(tea: Variant) -> None:
    wish = placement(tea)
    assert place_order(wish) == place_order(wish)
    assert on_shelf(tea.sku) == (3, 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda wish, tea: {"items": ((tea.sku, 2),)},
        lambda wish, tea: {"contact": contact(line1="7 Hàng Bạc")},
        lambda wish, tea: {"delivery": "standard"},
    ],
    ids=["items", "contact", "delivery"],
)
def test_changed_wish_under_the_same_key_supersedes(
    tea: Variant, change: Callable[[Placement, Variant], dict[str, Any]]
) -> None:
    wish = placement(tea)
    earlier = place_order(wish)
    later = place_order(replace(wish, **change(wish, tea)))
    earlier.refresh_from_db()
    assert (earlier.status, earlier.reason) == ("FAILED", "superseded")
    assert earlier.checkout_key is None
    assert later.checkout_key == wish.checkout_key
    assert wish.checkout_key in earlier.transitions.values_list("checkout_key", flat=True)
    assert later.lines.get().quantity == on_shelf(tea.sku)[1]


def test_new_key_from_the_same_cart_takes_over_the_holds(tea: Variant) -> None:
    wish = placement((tea, 3))
    earlier = place_order(wish)
    later = place_order(replace(wish, checkout_key=uuid.uuid4()))
    earlier.refresh_from_db()
    assert (earlier.status, earlier.reason, later.status) == ("FAILED", "superseded", "PENDING")
    assert earlier.checkout_key == wish.checkout_key
    assert on_shelf(tea.sku) == (3, 3)


def test_nobody_is_mailed_about_a_superseded_order(tea: Variant) -> None:
    wish = placement(tea)
    place_order(wish)
    place_order(replace(wish, checkout_key=uuid.uuid4()))
    superseded = Event.objects.get(type="order.superseded")
    assert superseded.personal["deliver_to"] == []


def _bring_payment_to(order: Order, *way: PaymentStatus) -> None:
    payment, now = Payment.objects.get(order=order), timezone.now()
    for status in way:
        payment.move_to(status, by="test", at=now)
    if PaymentStatus.SUCCESS in way:
        order.move_to(OrderStatus.SUCCESS, by="test", at=now)


BEING_PAID = pytest.mark.parametrize(
    "way",
    [
        [PaymentStatus.CAPTURING],
        [PaymentStatus.CAPTURING, PaymentStatus.REVIEW],
        [PaymentStatus.CAPTURING, PaymentStatus.SUCCESS],
    ],
    ids=lambda way: way[-1].value,
)


@BEING_PAID
def test_changed_wish_leads_to_the_order_that_is_being_paid(
    tea: Variant, way: list[PaymentStatus]
) -> None:
    wish = placement(tea)
    order = place_order(wish)
    _bring_payment_to(order, *way)
    assert place_order(replace(wish, items=((tea.sku, 2),))) == order
    assert place_order(replace(wish, checkout_key=uuid.uuid4())) == order
    assert Order.objects.count() == 1


def test_same_wish_after_a_failed_order_makes_a_fresh_one(tea: Variant) -> None:
    wish = placement(tea)
    failed = place_order(wish)
    cancel_by_customer(order_id=failed.pk)
    fresh = place_order(wish)
    assert fresh != failed
    assert (fresh.status, fresh.checkout_key) == ("PENDING", wish.checkout_key)
    failed.refresh_from_db()
    assert (failed.reason, failed.checkout_key) == (FailureReason.CANCELLED, None)


def test_same_wish_after_a_cancelled_order_makes_a_fresh_one(tea: Variant) -> None:
    wish = placement(tea)
    cancelled = place_order(wish)
    _bring_payment_to(cancelled, PaymentStatus.CAPTURING, PaymentStatus.SUCCESS)
    cancelled.move_to(OrderStatus.CANCELLED, by="test", at=timezone.now())
    assert place_order(wish) != cancelled


# --- Refused


def test_another_visitors_key_is_refused(tea: Variant) -> None:
    wish = placement(tea)
    place_order(wish)
    with pytest.raises(ForeignCheckoutKey):
        place_order(replace(wish, cart_id=uuid.uuid4()))
    assert Order.objects.count() == 1


def test_the_same_person_may_use_the_key_from_another_cart(tea: Variant) -> None:
    lan = User.objects.create_user("lan")
    wish = placement(tea, user_id=lan.pk)
    assert place_order(wish) == place_order(replace(wish, cart_id=uuid.uuid4()))


def _refusal(wish: Placement) -> PlacementRefused:
    """Return how it is refused; nothing at all is changed by that."""
    before = everything()
    with pytest.raises(PlacementRefused) as refusal:
        place_order(wish)
    assert everything() == before
    return refusal.value


def test_sold_out_names_each_line_and_leaves_nothing(tea: Variant) -> None:
    cup = VariantFactory.create(stock=0)
    refusal = _refusal(placement((tea, 4), (cup, 1)))
    assert isinstance(refusal, LinesUnavailable)
    assert set(refusal.lines) == {
        UnavailableLine(tea.sku, "Lotus tea · 100 g", 4, 3),
        UnavailableLine(cup.sku, "Lotus tea · 100 g", 1, 0),
    }


def test_sold_out_leaves_the_earlier_order_as_it_was(tea: Variant) -> None:
    wish = placement(tea)
    place_order(wish)
    assert isinstance(_refusal(replace(wish, items=((tea.sku, 4),))), LinesUnavailable)


def test_changed_price_is_asked_and_not_charged(tea: Variant) -> None:
    wish = placement(tea, shown_total=Decimal("16.50"))
    Variant.objects.update(price=Decimal("13.00"))
    refusal = _refusal(wish)
    assert isinstance(refusal, PriceChanged)
    assert refusal.total == Decimal("17.00")
    assert place_order(replace(wish, shown_total=refusal.total)).total == refusal.total


@pytest.mark.parametrize("what", ["variant", "product", "nothing like it"])
def test_what_is_no_longer_sold_cannot_be_had(tea: Variant, what: str) -> None:
    wish = placement(tea)
    if what == "variant":
        Variant.objects.update(is_published=False)
    elif what == "product":
        type(tea.product).objects.update(is_published=False)
    else:
        wish = replace(wish, items=(("NEVER-SOLD", 1),))
    refusal = _refusal(wish)
    assert isinstance(refusal, LinesUnavailable)
    assert [(line.sku, line.available) for line in refusal.lines] == [(wish.items[0][0], 0)]


def test_sku_without_stock_row_cannot_be_had(tea: Variant) -> None:
    other = Variant.objects.create(product=tea.product, sku="NEW", price=Decimal(1))
    assert isinstance(_refusal(placement(other)), LinesUnavailable)


@pytest.mark.parametrize("delivery", ["", "standard", "unknown"])
def test_delivery_that_does_not_go_there_is_refused(tea: Variant, delivery: str) -> None:
    DeliveryMethodFactory.create(countries=["US"])
    assert isinstance(_refusal(placement(tea, delivery=delivery)), DeliveryUnavailable)


def test_delivery_no_longer_offered_is_refused(tea: Variant) -> None:
    DeliveryMethodFactory.create(is_active=False)
    assert isinstance(_refusal(placement(tea, delivery="standard")), DeliveryUnavailable)


def test_empty_cart_is_refused() -> None:
    assert isinstance(_refusal(replace(placement(), items=())), EmptyCart)


# --- Broken off


class Broken(Exception):
    """What happens in the middle of a placement."""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_changed_wish", [False, True])
def test_an_error_at_any_statement_leaves_nothing(is_changed_wish: bool) -> None:
    tea = VariantFactory.create(stock=3)
    wish = placement((tea, 2))
    if is_changed_wish:
        place_order(replace(wish, items=((tea.sku, 1),)))
    before = everything()
    broken_off = 0
    while _breaks_at(broken_off, wish):
        assert everything() == before
        broken_off += 1
    assert broken_off >= 8
    assert Stock.objects.get().held == 2


def _breaks_at(statement: int, wish: Placement) -> bool:
    """Place the order, but have this statement fail; False when it has fewer than that."""
    left = statement

    def run(execute: Callable[..., Any], *args: Any) -> Any:
        nonlocal left
        left -= 1
        if left == -1:
            raise Broken
        return execute(*args)

    with connection.execute_wrapper(run):
        try:
            place_order(wish)
        except Broken:
            return True
    return False


def test_stocktake_makes_what_was_sold_out_orderable(tea: Variant) -> None:
    wish = placement((tea, 4))
    assert isinstance(_refusal(wish), LinesUnavailable)
    set_stock(sku=tea.sku, on_hand=4, by="test")
    assert place_order(wish).lines.get().quantity == 4
