"""Placements that ended in an error: kept, spooled, placed again, closed."""

import json
import stat
import uuid
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from notifications.models import Event
from orders.models import Order
from shop import failures, promises, spool
from shop.checkout import place_order
from shop.failures import close_answered, place_again, record_failure, store
from shop.models import FailedPlacement, PlacementPromise, Variant
from shop.ownership import ownership
from shop.placement import Placement
from tests.factories import VariantFactory, contact, placement

pytestmark = pytest.mark.django_db(transaction=True)

_DIVIDED = "ZeroDivisionError: integer division or modulo by zero"


@pytest.fixture
def tea() -> Variant:
    return VariantFactory.create(stock=3)


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.SPOOL_DIR = tmp_path / "spool"
    return tmp_path / "spool"


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nonexistent")
    connection.close()


def failed(wish: Placement) -> FailedPlacement:
    try:
        _ = 1 // 0
    except ZeroDivisionError as error:
        record_failure(wish, error)
    return FailedPlacement.objects.get(checkout_key=wish.checkout_key)


def told() -> list[str]:
    return list(Event.objects.order_by("recorded_at").values_list("type", flat=True))


def test_failure_keeps_what_was_asked_and_what_went_wrong(tea: Variant) -> None:
    wish = placement(tea)
    row = failed(wish)
    assert row.placement == wish
    assert (row.error, row.attempts, row.status) == (_DIVIDED, 1, "OPEN")
    assert "test_failures.py" in row.traceback
    assert row.email == "lan@example.com"


def test_log_names_no_address(tea: Variant, caplog: pytest.LogCaptureFixture) -> None:
    record_failure(placement(tea), ValueError("lan@example.com"))
    assert caplog.messages
    assert "lan@example.com" not in caplog.text


def test_same_wish_failing_again_is_one_row(tea: Variant) -> None:
    wish = placement(tea)
    failed(wish)
    assert failed(wish).attempts == 2


def test_promise_waiting_for_it_has_failed(tea: Variant) -> None:
    wish = placement(tea)
    promises.promise(wish)
    failed(wish)
    assert PlacementPromise.objects.get().status == "FAILED"
    ownership.resign()


# --- Again


def test_placed_again_becomes_an_order_and_is_told(tea: Variant) -> None:
    row = place_again(failed(placement(tea)).pk)
    assert (row.status, row.order) == ("PLACED", Order.objects.get())
    assert told() == ["order.placed", "order.ready_to_pay"]


def test_placed_again_twice_makes_one_order(tea: Variant) -> None:
    row = failed(placement(tea))
    place_again(row.pk)
    place_again(row.pk)
    assert Order.objects.count() == 1
    assert told().count("order.ready_to_pay") == 1


def test_promise_follows(tea: Variant) -> None:
    wish = placement(tea)
    promises.promise(wish)
    place_again(failed(wish).pk)
    assert PlacementPromise.objects.get().status == "PLACED"
    ownership.resign()


def test_prices_are_those_of_now_and_asked(tea: Variant) -> None:
    row = failed(placement(tea, shown_total=Decimal("16.50")))
    Variant.objects.update(price=Decimal("20.00"))
    assert place_again(row.pk).reason == "price_changed"
    assert told() == ["placement.refused"]


def test_after_an_hour_nothing_is_created(tea: Variant) -> None:
    row = failed(placement(tea))
    FailedPlacement.objects.update(failed_at=timezone.now() - timedelta(minutes=61))
    assert place_again(row.pk).reason == "too_old"
    assert told() == ["placement.refused"]
    assert not Order.objects.exists()


def test_who_ordered_since_gets_nothing_twice(tea: Variant) -> None:
    row = failed(placement(tea))
    place_order(placement(tea, contact=contact(email="LAN@example.com")))
    assert place_again(row.pk).reason == "too_old"
    assert Order.objects.count() == 1


def test_customers_own_success_closes_it_silently(tea: Variant) -> None:
    wish = placement(tea)
    row = failed(wish)
    order = place_order(wish)
    assert close_answered() == 1
    row.refresh_from_db()
    assert (row.status, row.order) == ("PLACED", order)
    assert told() == ["order.placed"]


def test_error_again_is_counted(tea: Variant, monkeypatch: pytest.MonkeyPatch) -> None:
    row = failed(placement(tea))

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(failures, "answer", fail)
        with pytest.raises(ZeroDivisionError):
            place_again(row.pk)
    row.refresh_from_db()
    assert (row.attempts, row.status) == (2, "OPEN")
    assert place_again(row.pk).status == "PLACED"


# --- The command


def test_command_places_all(tea: Variant, capsys: pytest.CaptureFixture[str]) -> None:
    failed(placement(tea))
    failed(placement((tea, 9), contact=contact(email="other@example.com")))
    call_command("retry_failed_placements", "--all")
    assert capsys.readouterr().out == "1 placed, 1 refused, 0 failed again.\n"


def test_command_names_an_unknown_id() -> None:
    with pytest.raises(CommandError, match=r"There is no failed placement 7\."):
        call_command("retry_failed_placements", "--id", "7")


# --- Staff


def test_staff_place_again_from_the_list(admin_client: Client, tea: Variant) -> None:
    row = failed(placement(tea))
    address = "/admin/shop/failedplacement/"
    admin_client.post(address, {"action": "place_again", "_selected_action": [row.pk]})
    assert Order.objects.count() == 1
    assert "1 placed" in admin_client.get(address).text


def test_staff_who_may_only_look_cannot(client: Client, tea: Variant) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_failedplacement"))
    client.force_login(viewer)
    row = failed(placement(tea))
    form = {"action": "place_again", "_selected_action": [row.pk]}
    client.post("/admin/shop/failedplacement/", form)
    assert not Order.objects.exists()


def test_hostile_input_is_shown_not_run(admin_client: Client, tea: Variant) -> None:
    row = failed(placement(tea, contact=contact(full_name="<script>alert(1)</script>")))
    page = admin_client.get(f"/admin/shop/failedplacement/{row.pk}/change/").text
    assert "<script>alert(1)" not in page


# --- PostgreSQL is away


@pytest.mark.usefixtures("no_database")
def test_without_database_it_goes_to_the_disk(folder: Path) -> None:
    record_failure(_wish(), ZeroDivisionError())
    (file,) = folder.glob("*.json")
    assert json.loads(file.read_text())["wish"]["contact"]["email"] == "lan@example.com"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def _wish() -> Placement:
    return Placement(
        checkout_key=uuid.uuid4(),
        cart_id=uuid.uuid4(),
        items=(("TEA", 1),),
        contact=contact(),
        delivery="",
        shown_total=None,
        locale="en",
        user_id=None,
        network_address="127.0.0.1",
    )


def test_taken_in_once_the_database_is_back(
    tea: Variant, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = placement(tea)
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict, "HOST", "/nonexistent")
        connection.close()
        record_failure(wish, ZeroDivisionError())
    assert spool.take_in(store) == 1
    assert FailedPlacement.objects.get().placement == wish
    assert not spool.has_records()


def test_record_taken_in_twice_makes_one(tea: Variant) -> None:
    record = {
        "incident": str(uuid.uuid4()),
        "wish": placement(tea).to_json(),
        "error": "E",
        "traceback": "",
        "at": timezone.now().isoformat(),
    }
    store(record)
    store(record)
    assert FailedPlacement.objects.get().attempts == 1


def test_file_that_is_no_record_stops_no_other(tea: Variant, folder: Path) -> None:
    spool.write(_record(tea))
    (folder / "0.json").write_text("{half")
    assert spool.take_in(store) == 1
    assert (folder / "0.json.bad").exists()


def _record(tea: Variant) -> spool.Record:
    return {
        "incident": str(uuid.uuid4()),
        "wish": placement(tea).to_json(),
        "error": "E",
        "traceback": "",
        "at": timezone.now().isoformat(),
    }


@pytest.mark.usefixtures("no_database")
def test_full_disk_is_said_loudly(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file where the folder should be")
    with pytest.raises(spool.SpoolFailed):
        record_failure(_wish(), ZeroDivisionError())
    assert any(line.levelname == "CRITICAL" for line in caplog.records)
