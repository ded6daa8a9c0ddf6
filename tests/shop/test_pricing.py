"""quote(): what a basket costs now."""

from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from shop.models import Variant
from shop.pricing import quote
from tests.factories import DeliveryMethodFactory, VariantFactory

pytestmark = pytest.mark.django_db


def test_total_is_items_and_delivery() -> None:
    DeliveryMethodFactory.create(price=Decimal("4.00"))
    tea = VariantFactory.create(price=Decimal("0.10"))
    priced = quote(items=[(tea.sku, 3)])
    assert (priced.items_total, priced.total) == (Decimal("0.30"), Decimal("4.30"))


@pytest.mark.parametrize(("price", "delivery"), [("49.99", "4.00"), ("50.00", "0.00")])
def test_delivery_is_free_from_its_threshold_on(price: str, delivery: str) -> None:
    DeliveryMethodFactory.create(price=Decimal("4.00"), free_above=Decimal("50.00"))
    tea = VariantFactory.create(price=Decimal(price))
    assert quote(items=[(tea.sku, 1)]).delivery_price == Decimal(delivery)


def test_the_cheapest_method_is_the_cheapest_for_this_basket() -> None:
    DeliveryMethodFactory.create(slug="plain", price=Decimal("3.00"))
    DeliveryMethodFactory.create(slug="gift", price=Decimal("9.00"), free_above=Decimal("20.00"))
    tea = VariantFactory.create(price=Decimal("10.00"))
    chosen = [quote(items=[(tea.sku, n)]).delivery for n in (1, 2)]
    assert [method.slug for method in chosen if method] == ["plain", "gift"]


def test_only_methods_that_go_to_the_country_are_chosen() -> None:
    DeliveryMethodFactory.create(slug="home", price=Decimal("1.00"), countries=["VN"])
    DeliveryMethodFactory.create(slug="world", price=Decimal("20.00"))
    tea = VariantFactory.create()
    found = quote(items=[(tea.sku, 1)], country="US").delivery
    assert found is not None
    assert found.slug == "world"
    assert quote(items=[(tea.sku, 1)], country="US", delivery="home").delivery is None


def test_a_line_beyond_the_stock_is_short() -> None:
    tea = VariantFactory.create(stock=2)
    (line,) = quote(items=[(tea.sku, 3)]).lines
    assert line.is_short
    assert line.available == 2


def test_what_is_not_sold_is_missing_and_costs_nothing() -> None:
    tea = VariantFactory.create()
    Variant.objects.filter(pk=tea.pk).update(is_published=False)
    priced = quote(items=[(tea.sku, 1), ("NONE", 1)])
    assert sorted(priced.missing) == sorted([tea.sku, "NONE"])
    assert priced.total == Decimal("0.00")


def test_queries_do_not_grow_with_the_lines(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    DeliveryMethodFactory.create()
    items = [(variant.sku, 1) for variant in VariantFactory.create_batch(20)]
    with django_assert_num_queries(2):
        assert quote(items=items).total == Decimal("254.00")
