"""Every variable the shop reads is documented, and every documented one is read."""

import ast
import itertools
import re

import pytest

from devtools.environment import PROJECT, documented_names

# Read by a library in our processes, not by our settings.
_READ_BY_LIBRARIES = {"PROMETHEUS_MULTIPROC_DIR"}


def _names_read() -> set[str]:
    """Return the first argument of every `env.…("NAME")` and `_minutes("NAME", …)`."""
    tree = ast.parse((PROJECT / "shop" / "settings.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    first = [call.args[0] for call in calls if _reads_environment(call.func)]
    return {str(node.value) for node in first if isinstance(node, ast.Constant)}


def _reads_environment(function: ast.expr) -> bool:
    return ast.unparse(function).startswith(("env.", "_minutes"))


def test_settings_read_what_the_example_lists() -> None:
    assert _names_read() | _READ_BY_LIBRARIES == documented_names()


def test_example_explains_every_variable() -> None:
    lines = (PROJECT / ".env.example").read_text().splitlines()
    unexplained = [
        line
        for before, line in itertools.pairwise(lines)
        if re.match(r"#?[A-Z][A-Z_]*=", line) and not before
    ]
    assert unexplained == []


def test_operations_guide_names_every_variable() -> None:
    guide = PROJECT / "docs" / "operations.md"
    if not guide.exists():
        pytest.skip("docs/operations.md is not written yet.")
    text = guide.read_text()
    assert sorted(name for name in documented_names() if f"`{name}`" not in text) == []
