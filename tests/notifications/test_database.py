"""A lost database connection is known as one, whatever it was reported as."""

import pytest
from django.db import DatabaseError, OperationalError, ProgrammingError, connection

from notifications.database import loss_is_operational

pytestmark = pytest.mark.django_db(transaction=True)


def test_connection_that_was_lost_is_operational_under_any_name() -> None:
    def lose_it() -> None:
        connection.ensure_connection()
        connection.connection.close()
        raise DatabaseError("server closed the connection unexpectedly")

    with pytest.raises(OperationalError), loss_is_operational():
        lose_it()
    connection.close()


def test_faulty_statement_is_no_lost_connection() -> None:
    with pytest.raises(ProgrammingError), loss_is_operational(), connection.cursor() as cursor:
        cursor.execute("SELECT FROM WHERE")
