"""The laboratory of `make chaos`."""

import psycopg2

from devtools.chaos.laboratory import Laboratory


def test_what_is_old_by_the_shops_travelled_clock_may_go() -> None:
    """Or a duty of the clock fails in each history of a run that has come far enough in time."""
    with Laboratory(workers=1) as laboratory:
        connection = psycopg2.connect(laboratory.variables(0)["DATABASE_URL"])
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT tgrelid::regclass::text, tgenabled FROM pg_trigger"
                    " WHERE tgname LIKE '%kept_while_young%' OR tgname LIKE '%never_changes%'"
                    " ORDER BY tgname"
                )
                found = cursor.fetchall()
        finally:
            connection.close()
    assert found == [("payments_gatewaycall", "D"), ("payments_gatewaycall", "O")]
