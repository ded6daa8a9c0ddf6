"""The operators' commands: what they print, and how they refuse."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from inventory.models import MovementKind, StockMovement
from tests.factories import VariantFactory, placed_order
from tests.shop.flows import paid_order


def run(*arguments: str) -> str:
    """Run a command and return what it printed."""
    output = StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


def report(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


@pytest.mark.django_db
def test_show_order_tells_a_paid_order_whole() -> None:
    order = paid_order()

    shown = report("show_order", order.number)

    assert (shown["order"]["status"], shown["payment"]["status"]) == ("SUCCESS", "SUCCESS")
    assert shown["order"]["transaction_id"] == shown["payment"]["transaction_id"]
    assert shown["order"]["total"] == shown["payment"]["captures"][0]["amount"] == "29.00"
    assert [hold["status"] for hold in shown["holds"]] == ["SOLD"]
    assert [event["type"] for event in shown["events"]] == ["order.placed", "order.confirmed"]


@pytest.mark.django_db
def test_the_timeline_has_every_kind_in_order_of_time() -> None:
    timeline = report("show_order", paid_order().number)["timeline"]

    assert {"order", "payment", "attempt", "capture", "stock", "event"} <= {
        entry["kind"] for entry in timeline
    }
    times = [entry["at"] for entry in timeline]
    assert times == sorted(times)
    assert all(time.endswith("+00:00") for time in times)


@pytest.mark.django_db
def test_show_order_reads_well_without_json() -> None:
    order = paid_order()

    text = run("show_order", order.number.lower())

    assert text.startswith(f"Order {order.number}: SUCCESS")
    assert "PENDING → SUCCESS" in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("show_order", "GNOBODY234"), "There is no order GNOBODY234."),
        (("show_stock", "NO-TEA"), "There is no stock of NO-TEA."),
        (("set_stock", "NO-TEA", "4"), "There is no SKU NO-TEA."),
    ],
)
def test_what_is_unknown_is_refused_in_one_sentence(
    arguments: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence) as refused:
        run(*arguments)

    assert refused.value.returncode == 1


@pytest.mark.django_db
@pytest.mark.parametrize("count", ["-1", "x", "1.5", "", "99999999999999999999", "٣"])
def test_set_stock_refuses_what_is_no_count(count: str) -> None:
    variant = VariantFactory.create()

    with pytest.raises(CommandError, match="whole number"):
        run("set_stock", variant.sku, count)


@pytest.mark.django_db
def test_set_stock_records_a_stocktake() -> None:
    variant = VariantFactory.create(stock=10)

    run("set_stock", variant.sku, "7")

    found = {"on_hand": 7, "held": 0, "available": 7}
    assert report("show_stock", variant.sku) == {"sku": variant.sku, **found}
    movement = StockMovement.objects.order_by("pk").last()
    assert movement is not None
    assert (movement.kind, movement.on_hand_change) == (MovementKind.STOCKTAKE, -3)


@pytest.mark.django_db
def test_set_stock_is_refused_below_what_is_held() -> None:
    variant = VariantFactory.create(stock=10)
    order = placed_order((variant, 3))

    with pytest.raises(CommandError, match=rf"3 of .* are set aside.*{order.number} \(3\)\."):
        run("set_stock", variant.sku, "2")

    assert report("show_stock", variant.sku)["on_hand"] == 10


@pytest.mark.django_db(transaction=True)
def test_check_books_says_that_all_is_well() -> None:
    paid_order()

    shown = report("check_books")

    assert shown["balanced"] is True
    assert {invariant["violations"] for invariant in shown["invariants"]} == {0}


@pytest.mark.django_db(transaction=True)
def test_check_books_fails_on_a_violation() -> None:
    VariantFactory.create()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE inventory_stock SET on_hand = on_hand + 1")

    output = StringIO()
    with pytest.raises(CommandError) as failed:
        call_command("check_books", "--json", stdout=output)

    assert failed.value.returncode == 1
    assert json.loads(output.getvalue())["balanced"] is False
