"""How many unpaid orders one email address, and one network address, may have at a time."""

import uuid
from dataclasses import replace

import pytest
from django.test import Client, RequestFactory
from pytest_django import Settings

from orders.models import Order
from payments.endings import cancel_by_customer
from shop.checkout import place_order
from shop.middleware import NetworkAddressMiddleware
from shop.models import Variant
from shop.placement import Placement, TooManyOpenOrders
from tests.factories import DeliveryMethodFactory, VariantFactory, contact, placement
from tests.shop.flows import paid_order
from tests.shop.pages import form_of, put_in_cart, text_of
from tests.together import together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _on(settings: Settings) -> None:
    settings.RATE_LIMITS = True


@pytest.fixture
def tea() -> Variant:
    return VariantFactory.create(stock=100)


def of(email: str, tea: Variant, **changes: str) -> Placement:
    return placement(tea, contact=contact(email=email), **changes)


def test_fourth_unpaid_order_of_an_email_address_is_refused(tea: Variant) -> None:
    for spelling in ("lan@example.com", "Lan@example.com", "LAN@EXAMPLE.COM"):
        place_order(of(spelling, tea))
    with pytest.raises(TooManyOpenOrders):
        place_order(of("lan@example.com", tea))
    assert place_order(of("minh@example.com", tea)).status == "PENDING"


def test_ended_and_paid_ones_do_not_count(tea: Variant) -> None:
    for _ in range(2):
        cancel_by_customer(order_id=place_order(of("lan@example.com", tea)).pk)
    paid_order(contact=contact(email="lan@example.com"))
    for _ in range(3):
        place_order(of("lan@example.com", tea))


def test_changed_wish_of_a_cart_is_not_one_more(tea: Variant) -> None:
    for _ in range(3):
        last = of("lan@example.com", tea)
        place_order(last)
    changed = replace(last, checkout_key=uuid.uuid4(), items=((tea.sku, 2),))
    assert place_order(changed).status == "PENDING"


def test_ten_at_once_make_three(tea: Variant) -> None:
    wishes = [of("lan@example.com", tea) for _ in range(10)]
    outcomes = together([lambda wish=wish: place_order(wish) for wish in wishes])  # type: ignore[misc]
    assert sum(isinstance(one, Order) for one in outcomes) == 3
    assert sum(isinstance(one, TooManyOpenOrders) for one in outcomes) == 7


def test_twenty_first_of_a_network_address_is_refused(tea: Variant) -> None:
    for number in range(20):
        place_order(of(f"{number}@example.com", tea, network_address="203.0.113.7"))
    with pytest.raises(TooManyOpenOrders):
        place_order(of("20@example.com", tea, network_address="203.0.113.7"))
    place_order(of("20@example.com", tea, network_address="203.0.113.8"))


def test_without_a_network_address_only_the_email_address_counts(tea: Variant) -> None:
    for number in range(21):
        place_order(replace(of(f"{number}@example.com", tea), network_address=None))


def test_page_says_so_and_keeps_the_form(client: Client, tea: Variant) -> None:
    for _ in range(3):
        place_order(of("lan@example.com", tea))
    put_in_cart(client, tea)
    response = client.post("/checkout/", form_of(client))
    assert response.status_code == 429
    assert "Orders are waiting to be paid" in text_of(response)
    assert 'name="email" value="lan@example.com"' in response.text


def test_switched_off_for_load_tests(tea: Variant, settings: Settings) -> None:
    settings.RATE_LIMITS = False
    for _ in range(4):
        place_order(of("lan@example.com", tea))


# --- Whose address it is


def test_link_local_visitor_may_order(client: Client, tea: Variant) -> None:
    DeliveryMethodFactory.create()
    put_in_cart(client, tea)
    response = client.post("/checkout/", form_of(client), REMOTE_ADDR="fe80::1%eth0")
    assert response.status_code == 303
    assert Order.objects.get().network_address == "fe80::1"


@pytest.mark.parametrize(
    ("proxies", "header", "seen"),
    [
        (0, "203.0.113.7", "127.0.0.1"),
        (1, "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        (2, "198.51.100.1, 203.0.113.7", "198.51.100.1"),
        (3, "198.51.100.1, 203.0.113.7", "127.0.0.1"),
        (1, "not an address", "127.0.0.1"),
        (1, "", "127.0.0.1"),
    ],
)
def test_address_is_what_the_trusted_proxies_wrote(
    settings: Settings, proxies: int, header: str, seen: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", headers={"x-forwarded-for": header})
    NetworkAddressMiddleware(lambda _: None)(request)  # type: ignore[arg-type,return-value]
    assert request.META["REMOTE_ADDR"] == seen
