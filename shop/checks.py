"""Whether this machine's programs and PostgreSQL fit together: `check --database default`."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import connections
from django.db.models import Model, Q
from django.db.models.functions import Floor

from payments.money import smallest_coin
from shop.models import PAGES_LINKED, DeliveryMethod, ShopPage, Variant

# Relay, consumer, clock, and a person with a command or two.
_OTHER_PROGRAMS = 5
# The session by which a web process owns its promises.
_PROMISES = 1
_EXAMPLES = 10


@checks.register(checks.Tags.database)
def check_connections(
    databases: Sequence[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Compare what the web processes may open with what PostgreSQL allows."""
    if "default" not in (databases or ()):
        return []
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('max_connections')::int"
            " - current_setting('superuser_reserved_connections')::int"
        )
        allowed = cursor.fetchone()[0]
    each = settings.INTAKE_WORKERS_HERE + settings.WEB_DB_CONNECTIONS + _PROMISES
    wanted = settings.WEB_PROCESSES * each + _OTHER_PROGRAMS
    if wanted <= allowed:
        return []
    return [
        checks.Warning(
            f"The shop may open {wanted} database connections ({settings.WEB_PROCESSES} web"
            f" processes of {each}, and {_OTHER_PROGRAMS} for other programs), but PostgreSQL"
            f" allows {allowed}.",
            hint="Lower WEB_DB_CONNECTIONS or WEB_PROCESSES, or raise max_connections.",
            id="shop.W001",
        )
    ]


@checks.register(checks.Tags.database)
def check_prices(
    databases: Sequence[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Refuse prices with a fraction where the shop's currency has whole sums only."""
    has_fractions = smallest_coin(settings.SHOP_CURRENCY) < 1
    if (
        has_fractions
        or "default" not in (databases or ())
        or not _has_tables(Variant, DeliveryMethod)
    ):
        return []
    skus = _with_fraction(Variant, "sku", "price")
    deliveries = _with_fraction(DeliveryMethod, "slug", "price", "free_above")
    found = [*(f"SKU {sku}" for sku in skus), *(f"delivery {slug}" for slug in deliveries)]
    if not found:
        return []
    more = " and others" if len(found) > _EXAMPLES else ""
    return [
        checks.Error(
            f"{settings.SHOP_CURRENCY} has whole sums only, and there is a fraction in the price"
            f" of {', '.join(found[:_EXAMPLES])}{more}: PayPal would refuse to take it.",
            hint="Set SHOP_CURRENCY back, or make these prices whole.",
            id="shop.E001",
        )
    ]


@checks.register(checks.Tags.database)
def check_pages(databases: Sequence[str] | None = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Name the pages that every page leads to and that nobody has written yet."""
    if "default" not in (databases or ()) or not _has_tables(ShopPage):
        return []
    written = set(ShopPage.objects.values_list("slug", flat=True))
    missing = [slug for slug in PAGES_LINKED if slug not in written]
    if not missing:
        return []
    return [
        checks.Warning(
            f"Every page of the shop leads to {', '.join(missing)}, and nobody has written that.",
            hint="Write it in the admin, under “Shop pages”.",
            id="shop.W002",
        )
    ]


def _has_tables(*models: type[Model]) -> bool:
    """Say whether the tables are there: `migrate` checks, too, before it makes them."""
    tables = set(connections["default"].introspection.table_names())
    return tables >= {model._meta.db_table for model in models}


def _with_fraction(model: type[Model], name: str, *fields: str) -> list[str]:
    """Name some of the rows that have a fraction in one of the fields."""
    uneven = Q(*(Q((f"{field}__gt", Floor(field))) for field in fields), _connector=Q.OR)
    rows = model._default_manager.filter(uneven).order_by(name)
    return list(rows.values_list(name, flat=True)[: _EXAMPLES + 1])
