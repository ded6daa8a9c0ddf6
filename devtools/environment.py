"""The environment as the development stack and the tests see it."""

import os
import re
import shlex
from collections.abc import MutableMapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
# Names the file that `set -a; . .dev/env` took its values from.
FROM_STACK = "DEV_STACK"
_EXAMPLE = PROJECT / ".env.example"


def documented_names() -> frozenset[str]:
    """Return the name of every variable in `.env.example`."""
    return frozenset(re.findall(r"^#?([A-Z][A-Z_]*)=", _EXAMPLE.read_text(), re.MULTILINE))


def development_folder() -> Path:
    """Return where the development stack keeps its state."""
    if named := os.environ.get("DEV_DIR"):
        return Path(named).expanduser().resolve()
    if sourced := os.environ.get(FROM_STACK):
        return Path(sourced).parent
    return PROJECT / ".dev"


def write(path: Path, variables: dict[str, str]) -> None:
    """Write variables so that a shell can source them; they are for their owner alone."""
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in sorted(variables.items())]
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text("".join(lines))
    new.replace(path)


def read(path: Path) -> dict[str, str]:
    """Read what `write` wrote."""
    if not path.exists():
        return {}
    pairs = (part.partition("=") for part in shlex.split(path.read_text()))
    return {name: value for name, _, value in pairs}


def forget_stack(environment: MutableMapping[str, str]) -> None:
    """Remove what came from a stack's `.dev/env`; what was changed since then stays."""
    source = environment.pop(FROM_STACK, None)
    if source is None:
        return
    for name, value in read(Path(source)).items():
        if environment.get(name) == value:
            del environment[name]
