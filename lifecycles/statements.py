"""Several writes in one statement: a round trip to PostgreSQL less for each write but the first.

For rows that change together and do not read one another: every write sees the rows as they were
before the statement. Foreign keys among them are checked at the commit. The text of each INSERT is
put together once for its model: compiled by Django anew, a placement's took longer to write than
to execute.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, NamedTuple, cast

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import AutoField, Field, Model


class Write(NamedTuple):
    """One INSERT or UPDATE that is not executed yet."""

    sql: str
    parameters: tuple[Any, ...]


class _Columns(NamedTuple):
    """What every INSERT of a model has in common."""

    fields: tuple["Field[Any, Any]", ...]
    head: str
    row: str


# What one_statement() gathers in this thread; None outside it.
_gathered: ContextVar[list[Write] | None] = ContextVar("gathered", default=None)


def next_key(model: type[Model]) -> int:
    """Take the key of a row yet to be inserted, for rows of the same statement to point to it."""
    names = [model._meta.db_table, model._meta.pk.column]
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, %s))", names)
        (key,) = cursor.fetchone()
    return int(key)


def insert(first: Model, *others: Model) -> Write:
    """Insert new rows of one model, of plain values.

    They have their keys, or the database counts them: then those are not read back.
    """
    columns = _columns(type(first), has_key=first.pk is not None)
    rows = [first, *others]
    for row in rows:
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return Write(
        columns.head + ", ".join([columns.row] * len(rows)),
        tuple(_value(field, row, add=True) for row in rows for field in columns.fields),
    )


def update(row: Model, *names: str) -> Write:
    """Store these fields of a row."""
    fields = [cast("Field[Any, Any]", row._meta.get_field(name)) for name in names]
    changes = ", ".join(f"{_column(field)} = %s" for field in fields)
    table, key = _quoted(row._meta.db_table), _column(row._meta.pk)
    sql = f"UPDATE {table} SET {changes} WHERE {key} = %s"  # noqa: S608 - names of our models
    return Write(sql, (*(_value(field, row, add=False) for field in fields), row.pk))


def write(*writes: Write) -> None:
    """Execute all of them in one statement."""
    gathered = _gathered.get()
    if gathered is None:
        _execute(writes)
    else:
        gathered.extend(writes)


@contextmanager
def one_statement() -> Generator[None]:
    """Gather what is written in the block, and execute it at its end in one statement.

    After an error in the block nothing is written.
    """
    gathered: list[Write] = []
    token = _gathered.set(gathered)
    try:
        yield
    finally:
        _gathered.reset(token)
    _execute(gathered)


@cache
def _columns(model: type[Model], *, has_key: bool) -> _Columns:
    fields = tuple(
        field
        for field in model._meta.concrete_fields
        if not field.generated and (has_key or not isinstance(field, AutoField))
    )
    names = ", ".join(_column(field) for field in fields)
    table = _quoted(model._meta.db_table)
    head = f"INSERT INTO {table} ({names}) VALUES "  # noqa: S608 - names of our models
    return _Columns(fields, head, f"({', '.join(['%s'] * len(fields))})")


def _value(field: "Field[Any, Any]", row: Model, *, add: bool) -> Any:
    return field.get_db_prep_save(field.pre_save(row, add), connection)


def _column(field: "Field[Any, Any]") -> str:
    return _quoted(cast("str", field.column))


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _execute(writes: Sequence[Write]) -> None:
    *firsts, last = writes
    steps = ", ".join(f"step_{number} AS ({one.sql})" for number, one in enumerate(firsts))
    sql = f"WITH {steps} {last.sql}" if firsts else last.sql
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for one in writes for value in one.parameters])
