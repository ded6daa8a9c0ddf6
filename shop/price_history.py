"""Every price of a variant, when it began and who set it: written by PostgreSQL itself.

A trigger does it, so that no way of changing a price (a form, an import, a statement typed by
hand) goes round it. It asks for the name that `sign_prices` gave the transaction.
"""

import pgtrigger
from django.db import connection

_BY = "ganh.by"


def sign_prices(by: str) -> None:
    """Name who changes prices until the end of the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [_BY, by])


def remember_prices() -> pgtrigger.Trigger:
    """Return the trigger that adds a row to the history for each new price."""
    return pgtrigger.Trigger(
        name="remember_prices",
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.UpdateOf("price"),  # type: ignore[no-untyped-call]
        declare=[("before", "numeric")],
        func=f"""
            IF TG_OP = 'UPDATE' THEN
                before := OLD.price;
            END IF;
            IF before IS DISTINCT FROM NEW.price THEN
                INSERT INTO shop_pricechange (variant_id, old, new, by, at)
                VALUES (NEW.id, before, NEW.price,
                        coalesce(nullif(current_setting('{_BY}', true), ''), current_user),
                        clock_timestamp());
            END IF;
            RETURN NULL;
        """,  # noqa: S608 - the name above
    )
