"""What PayPal is told adds up to the cent, in every currency that it takes."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.gateway import Item
from payments.money import CURRENCIES, to_paypal
from payments.paypal_json import write_order
from tests.payments.test_paypal_client import purchase

WITHOUT_DECIMALS = {"HUF", "JPY", "TWD"}


def prices(currency: str) -> st.SearchStrategy[Decimal]:
    """Return every price that a variant or a delivery can have in this currency."""
    if currency in WITHOUT_DECIMALS:
        return st.integers(1, 99_999).map(lambda n: Decimal(n).quantize(Decimal("0.01")))
    return st.decimals(Decimal("0.01"), Decimal(99_999), places=2)


@st.composite
def baskets(draw: st.DrawFn) -> tuple[str, list[Item], Decimal]:
    currency = draw(st.sampled_from(sorted(CURRENCIES)))
    lines = st.tuples(st.integers(1, 99), prices(currency))
    items = [
        Item(f"SKU-{n}", "Tea", quantity, price)
        for n, (quantity, price) in enumerate(draw(st.lists(lines, min_size=1, max_size=30)))
    ]
    return currency, items, draw(st.just(Decimal(0)) | prices(currency))


@given(baskets())
def test_the_breakdown_adds_up_to_the_cent(basket: tuple[str, list[Item], Decimal]) -> None:
    currency, items, delivery = basket
    total = sum((item.quantity * item.unit_price for item in items), delivery)
    (unit,) = write_order(purchase(currency=currency, items=items, delivery=delivery, total=total))[
        "purchase_units"
    ]
    amount, breakdown = unit["amount"], unit["amount"]["breakdown"]
    lines = [Decimal(i["unit_amount"]["value"]) * int(i["quantity"]) for i in unit["items"]]
    assert sum(lines) == Decimal(breakdown["item_total"]["value"])
    assert Decimal(amount["value"]) == total == sum(Decimal(p["value"]) for p in breakdown.values())
    assert decimals(unit) == {0 if currency in WITHOUT_DECIMALS else -2}


def decimals(found: Any) -> set[Any]:
    """Return how many decimals the sums in PayPal's JSON have, as Decimal counts them."""
    if isinstance(found, dict):
        own = {Decimal(found["value"]).as_tuple().exponent} if "currency_code" in found else set()
        return own.union(*(decimals(value) for value in found.values()))
    return set().union(*map(decimals, found)) if isinstance(found, list) else set()


@pytest.mark.parametrize("currency", sorted(WITHOUT_DECIMALS))
def test_a_fraction_of_the_smallest_coin_is_never_rounded_away(currency: str) -> None:
    with pytest.raises(ValueError, match="more decimals"):
        to_paypal(Decimal("9.50"), currency)
