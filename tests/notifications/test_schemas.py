"""What the schemas say of every event, and that a newer one takes nothing back."""

import copy
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from notifications.stages import EVENT_TYPES, UNTOLD_TYPES
from tests.notifications.examples import order_body, order_personal
from tests.notifications.samples import samples
from tests.notifications.schemas import RELEASED, losses, read_schemas, validator

ENVELOPE: dict[str, Any] = {
    "schema_version": 1,
    "deliver_to": [{"role": "customer", "email": "a@b.c", "name": "", "locale": "vi"}],
    "valid_until": None,
    "covered_by": None,
}
CONFIRMED: dict[str, Any] = {
    "properties": {"status": {"enum": ["SUCCESS"]}, "number": {"type": "string"}},
    "required": ["number"],
}


def test_every_event_type_has_a_schema_and_every_schema_an_event_type() -> None:
    assert {name for name in read_schemas() if not name.startswith("_")} == EVENT_TYPES


@pytest.mark.parametrize("name", sorted(read_schemas()))
def test_schema_is_a_valid_schema(name: str) -> None:
    schema = read_schemas()[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"{name}.json"


def test_every_sample_is_valid_by_its_schema() -> None:
    for sample in samples():
        validator(sample.type).validate({**ENVELOPE, **sample.data})


@pytest.mark.parametrize("event_type", sorted(UNTOLD_TYPES))
def test_untold_event_is_valid_by_its_schema(event_type: str) -> None:
    event = {**ENVELOPE, "deliver_to": [], **order_body("G-1"), **order_personal("G-1")}
    validator(event_type).validate(event)


@pytest.mark.parametrize(
    ("event_type", "key"),
    [
        ("order.confirmed", "order"),
        ("order.payment_failed", "payment"),
        ("order.payment_reminder", "hold"),
        ("order.shipped", "shipment"),
        ("order.cancelled", "cancellation"),
        ("payment.refunded", "refund"),
        ("placement.refused", "placement"),
        ("stock.low", "stock"),
        ("staff.attention", "attention"),
    ],
)
def test_schema_refuses_an_event_without_what_its_email_needs(event_type: str, key: str) -> None:
    sample = next(one for one in samples() if one.type == event_type)
    event = {**ENVELOPE, **sample.data}
    del event[key]
    errors = [error.message for error in validator(event_type).iter_errors(event)]
    assert f"'{key}' is a required property" in errors


@pytest.mark.parametrize("release", sorted(RELEASED.iterdir()), ids=lambda path: str(path.name))
def test_schemas_take_nothing_back_that_was_released(release: Any) -> None:
    released, present = read_schemas(release), read_schemas()
    assert released
    assert released.keys() <= present.keys()
    assert {name: list(losses(old, present[name])) for name, old in released.items()} == {
        name: [] for name in released
    }


def test_added_property_and_value_are_no_loss() -> None:
    newer = copy.deepcopy(CONFIRMED)
    newer["properties"]["gift"] = {"type": "boolean"}
    newer["properties"]["status"]["enum"].append("SHIPPED")
    assert list(losses(CONFIRMED, newer)) == []


@pytest.mark.parametrize(
    ("change", "loss"),
    [
        ({"required": ["number", "status"]}, "/required"),
        ({"properties": {"number": {"type": "string"}}}, "/properties/status"),
        (
            {"properties": {**CONFIRMED["properties"], "number": {"type": "integer"}}},
            "/properties/number/type",
        ),
        (
            {"properties": {**CONFIRMED["properties"], "status": {"enum": []}}},
            "/properties/status/enum/SUCCESS",
        ),
        ({"minProperties": 3}, "/minProperties"),
    ],
)
def test_anything_else_is_a_loss(change: dict[str, Any], loss: str) -> None:
    assert list(losses(CONFIRMED, {**CONFIRMED, **change})) == [loss]
