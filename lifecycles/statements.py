"""Several writes in one statement: a round trip to PostgreSQL less for each write but the first.

For rows that change together and do not read one another: every write sees the rows as they were
before the statement. Foreign keys among them are checked at the commit.
"""

from typing import Any, NamedTuple, cast

from django.db import connection
from django.db.models import AutoField, Model
from django.db.models.sql import InsertQuery, UpdateQuery


class Write(NamedTuple):
    """One INSERT or UPDATE, compiled by Django and not executed yet."""

    sql: str
    parameters: tuple[Any, ...]


def insert(first: Model, *others: Model) -> Write:
    """Insert new rows of one model; a key that the database counts is not read back."""
    model = type(first)
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, AutoField)]
    query = InsertQuery(model)
    query.insert_values(fields, [first, *others])
    ((sql, parameters),) = query.get_compiler(connection=connection).as_sql()
    return Write(sql, tuple(parameters))


def update(row: Model, *names: str) -> Write:
    """Store these fields of a row."""
    model = type(row)
    query = cast(UpdateQuery, model._base_manager.filter(pk=row.pk).query.chain(UpdateQuery))
    query.add_update_values({name: getattr(row, name) for name in names})
    sql, parameters = query.get_compiler(connection=connection).as_sql()
    return Write(sql, tuple(parameters))


def write(*writes: Write) -> None:
    """Execute all of them in one statement."""
    *firsts, last = writes
    steps = ", ".join(f"step_{number} AS ({one.sql})" for number, one in enumerate(firsts))
    sql = f"WITH {steps} {last.sql}" if firsts else last.sql
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for one in writes for value in one.parameters])
