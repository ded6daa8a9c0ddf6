"""Write docs/events.md from docs/asyncapi.yaml and schemas: `python -m devtools.event_guide`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from devtools.environment import PROJECT

SOURCE = PROJECT / "docs" / "asyncapi.yaml"
GUIDE = PROJECT / "docs" / "events.md"
_SCHEMAS = PROJECT / "notifications" / "schemas"
_Json = dict[str, Any]


def write_guide() -> str:
    """Return the guide as the AsyncAPI file and the schemas have it now."""
    described: _Json = yaml.safe_load(SOURCE.read_text())
    return "\n".join(_lines(described)) + "\n"


def _lines(described: _Json) -> Iterator[str]:
    yield "# Events on Kafka"
    yield ""
    yield "Written by `python -m devtools.event_guide` from [asyncapi.yaml](asyncapi.yaml) and the"
    yield "[schemas](../notifications/schemas); change those, not this."
    yield ""
    yield described["info"]["description"].strip()
    yield ""
    yield from _channels(described["channels"])
    yield from _headers("Headers", described["components"]["schemas"]["headers"])
    yield from _headers("Headers of a dead letter", _dead_letter(described)["headers"])
    yield "## Every event's value"
    yield from _table(_SCHEMAS / "_envelope.json")
    yield ""
    yield "## Every event about an order, besides"
    yield from _table(_SCHEMAS / "_order_event.json")
    yield ""
    yield "## Events, and what each adds"
    for message in described["components"]["messages"].values():
        if message is not _dead_letter(described):
            yield from _event(message)


def _dead_letter(described: _Json) -> _Json:
    found: _Json = described["components"]["messages"]["deadLetter"]
    return found


def _channels(channels: _Json) -> Iterator[str]:
    yield "## Topics"
    yield ""
    yield "| topic | what | partitions | kept |"
    yield "|---|---|---|---|"
    for channel in channels.values():
        kafka = channel["bindings"]["kafka"]
        days = kafka["topicConfiguration"]["retention.ms"] // 86_400_000
        title = channel["title"]
        yield f"| `{channel['address']}` | {title} | {kafka['partitions']} | {days} days |"
    yield ""


def _headers(title: str, headers: _Json) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield "| header | what |"
    yield "|---|---|"
    for name, schema in headers["properties"].items():
        yield f"| `{name}` | {_meaning(schema) or _kind(schema)} |"
    yield ""


def _event(message: _Json) -> Iterator[str]:
    path = (SOURCE.parent / message["payload"]["$ref"]).resolve()
    yield ""
    yield f"### {message['name']}"
    yield ""
    yield f"{message['summary']} [Schema](../{path.relative_to(PROJECT)})."
    yield from _table(path)


def _table(path: Path) -> Iterator[str]:
    rows = list(_properties(json.loads(path.read_text())))
    if rows:
        yield ""
        yield "| property | type | what |"
        yield "|---|---|---|"
        yield from (f"| `{name}` | {kind} | {told} |" for name, kind, told in rows)


def _properties(schema: _Json, above: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield the schema's own properties; those of objects and lists in it by dotted names."""
    for name, one in schema.get("properties", {}).items():
        yield f"{above}{name}", _kind(one), _meaning(one)
        yield from _properties(one, f"{above}{name}.")
        yield from _properties(one.get("items", {}), f"{above}{name}[].")


def _kind(schema: _Json) -> str:
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " or ".join(f"`{one}`" for one in schema["enum"])
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix("_").removesuffix(".json")
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "format" in schema:
        return str(schema["format"])
    kind = schema.get("type", "anything")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _meaning(schema: _Json) -> str:
    return " ".join(str(schema.get("description", "")).split()).replace("|", "\\|")


if __name__ == "__main__":
    GUIDE.write_text(write_guide())
