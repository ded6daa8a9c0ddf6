"""The events' JSON Schemas, and how one version of them may differ from the next."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

import notifications

SCHEMAS = Path(notifications.__file__).parent / "schemas"
RELEASED = Path(__file__).parent / "released_schemas"

Schema = dict[str, Any]


def read_schemas(folder: Path = SCHEMAS) -> dict[str, Schema]:
    """Return a folder's schemas by name, such as `order.confirmed`."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def validator(event_type: str) -> Draft202012Validator:
    schemas = read_schemas()
    parts = [(part["$id"], Resource.from_contents(part)) for part in schemas.values()]
    return Draft202012Validator(
        schemas[event_type],
        registry=Registry().with_resources(parts),
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


def losses(old: Any, new: Any, place: str = "") -> Iterator[str]:
    """Name what a reader of the old schema would miss, and what old events would lack.

    A newer schema may add properties that are not required, and values; nothing else.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() - {"description", "title"}:
            yield from losses(old[key], new.get(key), f"{place}/{key}")
        if not place.endswith("/properties"):
            yield from (f"{place}/{key}" for key in new.keys() - old.keys() - {"description"})
    elif place.endswith("/enum"):
        yield from (f"{place}/{value}" for value in set(old) - set(new or []))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from losses(before, after, f"{place}/{number}")
    elif old != new:
        yield place
