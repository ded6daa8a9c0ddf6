"""The shell commands that documents show, for tests that run them."""

import re
from pathlib import Path

_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def shell_lines(document: Path) -> list[str]:
    """Return every line of the document's shell blocks, in their order."""
    blocks = _BLOCK.findall(document.read_text())
    return [line for block in blocks for line in block.splitlines() if line.strip()]
