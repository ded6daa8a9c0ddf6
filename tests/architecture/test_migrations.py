"""Migrations lock nothing for long, and the code of the release before runs on their tables.

What is exempt stands in a list, with the reason: before the first release tables were empty.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
)
from django.db import models
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import NOT_PROVIDED

from devtools.environment import PROJECT

_OURS = ("shop", "payments", "orders", "inventory", "notifications")
_EXEMPT = PROJECT / "tests" / "architecture" / "exempt_migrations.txt"
_CONCURRENT = (AddIndexConcurrently, RemoveIndexConcurrently)
_REWRITES = "may write the whole table anew; add a column, or say why not in the exemption"
_RENAMES = (operations.RenameField, operations.RenameModel, operations.AlterModelTable)
_REMOVALS = (operations.RemoveField, operations.DeleteModel)


def _exempt() -> set[str]:
    lines = _EXEMPT.read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def _all() -> dict[str, Migration]:
    found = _LOADER.disk_migrations
    return {f"{app}.{name}": one for (app, name), one in found.items() if app in _OURS}


def _columns_altered(migration: Migration, state: ProjectState) -> Iterator[operations.AlterField]:
    """Yield those of its operations that change a column, not only what is said about it."""
    for operation in migration.operations:
        if isinstance(operation, operations.AlterField):
            model = state.models[migration.app_label, operation.model_name_lower]
            if _definition(model.get_field(operation.name)) != _definition(operation.field):
                yield operation
        operation.state_forwards(migration.app_label, state)


def _definition(field: Any) -> tuple[Any, ...]:
    """Return what of a field stands in the database."""
    _name, path, positional, given = field.deconstruct()
    told = {name: one for name, one in given.items() if name not in field.non_db_attrs}
    return path, positional, sorted(told.items(), key=str)


_LOADER = MigrationLoader(None, ignore_no_migrations=True)
MIGRATIONS = _all()


def faults(migration: Migration) -> list[str]:
    """Return what the migration does that must not be done to a shop at work."""
    new = {
        one.name_lower for one in migration.operations if isinstance(one, operations.CreateModel)
    }
    found = [fault for one in migration.operations for fault in _faults(one, new)]
    if any(isinstance(one, operations.AlterField) for one in migration.operations):
        before = _LOADER.project_state((migration.app_label, migration.name), at_end=False)
        altered = _columns_altered(migration, before)
        found += [f"{one.describe()}: {_REWRITES}" for one in altered]
    if migration.atomic and any(isinstance(one, _CONCURRENT) for one in migration.operations):
        found.append("makes an index concurrently: set atomic = False")
    return found


def _faults(operation: Operation, new: set[str]) -> Iterator[str]:
    told = operation.describe()
    model = getattr(operation, "model_name_lower", "")
    if model in new:
        return
    if isinstance(operation, operations.AddIndex) and not isinstance(operation, _CONCURRENT):
        yield f"{told}: use AddIndexConcurrently"
    if isinstance(operation, operations.RemoveIndex) and not isinstance(operation, _CONCURRENT):
        yield f"{told}: use RemoveIndexConcurrently"
    if isinstance(operation, operations.AddConstraint):
        yield from _of_constraint(operation, told)
    if isinstance(operation, operations.AddField):
        yield from _of_new_field(operation.field, told)
    if isinstance(operation, _RENAMES):
        yield f"{told}: the code of the release before asks for the old name"
    if isinstance(operation, _REMOVALS):
        yield f"{told}: a release after the code has stopped to use it, and named as exempt"
    if isinstance(operation, operations.RunPython | operations.RunSQL):
        yield f"{told}: rewrite rows in batches, from a command or a duty of the clock"


def _of_constraint(operation: operations.AddConstraint, told: str) -> Iterator[str]:
    if isinstance(operation, AddConstraintNotValid):
        return
    if isinstance(operation.constraint, models.CheckConstraint):
        yield f"{told}: use AddConstraintNotValid, and ValidateConstraint in a later migration"
    else:
        yield f"{told}: make a unique index concurrently first"


def _of_new_field(field: Any, told: str) -> Iterator[str]:
    if not field.null and field.db_default is NOT_PROVIDED and not field.many_to_many:
        yield f"{told}: the code of the release before writes rows without it; give it db_default"
    if field.unique or field.db_index:
        yield f"{told}: makes an index while the table is locked; make it concurrently"


@pytest.mark.parametrize("name", sorted(MIGRATIONS.keys() - _exempt()))
def test_migration_locks_nothing_for_long(name: str) -> None:
    assert faults(MIGRATIONS[name]) == [], (
        f"Write {name} otherwise, or name it, and why it may be so, in {_EXEMPT.name}."
    )


def test_only_those_that_need_it_are_exempt() -> None:
    assert [name for name in sorted(_exempt()) if not faults(MIGRATIONS[name])] == []


def _migration(*found: Operation) -> Migration:
    kind = type("Example", (Migration,), {"operations": list(found)})
    migration: Migration = kind("example", "orders")
    return migration


@pytest.mark.parametrize(
    ("operation", "word"),
    [
        (operations.AddIndex("order", models.Index(fields=["email"], name="i")), "Concurrently"),
        (operations.AddField("order", "colour", models.CharField(default="")), "db_default"),
        (operations.RenameField("order", "email", "address"), "old name"),
        (operations.RemoveField("order", "email"), "a release after"),
        (operations.RunPython(operations.RunPython.noop), "batches"),
        (
            operations.AddConstraint(
                "order", models.CheckConstraint(condition=models.Q(total__gte=0), name="c")
            ),
            "NotValid",
        ),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Operation) else "",
)
def test_what_locks_for_long_is_found(operation: Operation, word: str) -> None:
    (fault,) = faults(_migration(operation))
    assert word in fault


@pytest.mark.parametrize(
    ("field", "count"), [(models.TextField(), 1), (models.EmailField(help_text="Another."), 0)]
)
def test_only_a_changed_column_is_found(field: Any, count: int) -> None:
    migration = _migration(operations.AlterField("order", "email", field))
    state = _LOADER.project_state(_LOADER.graph.leaf_nodes("orders")[0])
    assert len(list(_columns_altered(migration, state))) == count


def test_a_new_table_may_have_everything() -> None:
    table = operations.CreateModel("gift", [("id", models.BigAutoField(primary_key=True))])
    index = operations.AddIndex("gift", models.Index(fields=["id"], name="i"))
    assert faults(_migration(table, index)) == []
