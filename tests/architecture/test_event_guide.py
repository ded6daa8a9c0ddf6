"""docs/events.md says what docs/asyncapi.yaml and the schemas say."""

from devtools.event_guide import GUIDE, write_guide
from notifications.stages import EVENT_TYPES


def test_event_guide_is_in_step() -> None:
    assert GUIDE.read_text() == write_guide(), "Run python -m devtools.event_guide."


def test_event_guide_has_every_event() -> None:
    text = GUIDE.read_text()
    assert sorted(one for one in EVENT_TYPES if f"### {one}\n" not in text) == []
