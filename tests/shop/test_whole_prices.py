"""A shop whose currency has whole sums only: fractions are refused where they are typed."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from devtools.paypal.client import Emulator
from orders.models import Order
from payments.models import PaymentAttempt
from shop.models import DeliveryMethod, Variant
from tests.factories import DeliveryMethodFactory, VariantFactory, placed_order

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def yen(settings: Settings) -> None:
    settings.SHOP_CURRENCY = "JPY"


@pytest.mark.parametrize("field", ["price", "free_above"])
def test_delivery_with_a_fraction_is_refused(field: str) -> None:
    method = DeliveryMethodFactory.build(**{"price": 400, field: Decimal("400.50")})

    with pytest.raises(ValidationError, match="Use a whole number: JPY has nothing smaller"):
        method.full_clean()


def test_staff_are_told_where_they_type_a_fraction(admin_client: Client) -> None:
    form = {
        "slug": "post",
        "name_en": "Post",
        "price": "400.50",
        "countries": "[]",
    }
    page = admin_client.post(reverse("admin:shop_deliverymethod_add"), form)

    assert "Use a whole number: JPY has nothing smaller" in page.content.decode()
    assert not DeliveryMethod.objects.exists()


@pytest.mark.parametrize(("currency", "price"), [("JPY", "1200.00"), ("USD", "12.50")])
def test_prices_that_the_currency_has_are_taken(
    settings: Settings, currency: str, price: str
) -> None:
    settings.SHOP_CURRENCY = currency

    VariantFactory.create(price=Decimal(price)).full_clean()


def test_check_names_the_prices_that_are_there_already() -> None:
    VariantFactory.create(sku="TEA-1", price=Decimal("12.50"))
    VariantFactory.create(sku="TEA-2", price=Decimal(1200))
    DeliveryMethodFactory.create(price=400, free_above=Decimal("9.99"))

    with pytest.raises(CommandError) as refused:
        call_command("check", databases=["default"])

    assert "price of SKU TEA-1, delivery standard: PayPal would refuse" in str(refused.value)


def test_check_names_no_more_than_ten() -> None:
    for number in range(12):
        VariantFactory.create(sku=f"TEA-{number:02}", price=Decimal("12.50"))

    with pytest.raises(CommandError) as refused:
        call_command("check", databases=["default"])

    assert str(refused.value).count("SKU TEA-") == 10
    assert "SKU TEA-09 and others" in str(refused.value)


def test_check_has_nothing_against_whole_prices() -> None:
    VariantFactory.create(price=Decimal(1200))
    DeliveryMethodFactory.create(price=400)
    said = StringIO()

    call_command("check", databases=["default"], stderr=said)

    assert "shop.E001" not in said.getvalue()


def test_an_order_with_a_fraction_is_never_sent_to_paypal(emulator: Emulator) -> None:
    order: Order = placed_order(VariantFactory.create(price=Decimal("12.50")))
    address = reverse("payment-start", args=[order.transaction_id])

    answer = Client().get(address, follow=True)

    assert answer.redirect_chain == [(order.get_absolute_url(), 303)]
    assert "PayPal could not open the payment. Nothing was charged" in answer.content.decode()
    assert PaymentAttempt.objects.get().issue == "DECIMAL_PRECISION"
    assert emulator.orders() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("currency", ["HUF", "JPY", "TWD"])
def test_the_demonstration_catalogue_has_whole_prices(settings: Settings, currency: str) -> None:
    settings.SHOP_CURRENCY = currency
    call_command("seed_demo", stdout=StringIO())

    for row in (*Variant.objects.all(), *DeliveryMethod.objects.all()):
        row.full_clean()
    cheapest = Variant.objects.order_by("price").values_list("price", flat=True)[0]
    assert cheapest > 100
