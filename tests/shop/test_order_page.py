"""The order's page: who may see it, what it says in each state, what it lets one do."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from notifications.models import EmailDelivery
from orders.lifecycle import FailureReason, OrderStatus
from orders.models import Order
from payments.endings import cancel_by_customer, fail_order
from payments.lifecycle import PaymentStatus
from payments.models import Payment
from payments.recording import record_refused_capture
from shop.cart import Cart
from tests.factories import placed_order
from tests.shop.flows import attempt_at, captured, paid_order
from tests.shop.pages import put_in_cart, text_of

pytestmark = pytest.mark.django_db


def page_of(order: Order, client: Client | None = None) -> Any:
    return (client or Client()).get(order.get_absolute_url())


def failed_order(reason: FailureReason) -> Order:
    order = placed_order()
    fail_order(order, Payment.objects.get(order=order), reason, by="test", at=timezone.now())
    return order


def capturing_order() -> Order:
    order = placed_order()
    payment = Payment.objects.get(order=order)
    attempt_at(order)
    payment.move_to(PaymentStatus.CAPTURING, by="test", at=timezone.now())
    return order


def cart_id_of(client: Client) -> uuid.UUID:
    request = RequestFactory().get("/")
    request.COOKIES = {name: morsel.value for name, morsel in client.cookies.items()}
    return Cart.from_request(request).id


def test_unpaid_order_offers_to_pay_while_its_items_are_held() -> None:
    order = placed_order()
    text = text_of(page_of(order))
    assert "Your order is waiting for its payment." in text
    assert "Pay now · 15 min left" in text
    assert "Cancel this order" in text


def test_declined_payment_says_so_and_offers_another_try() -> None:
    order = capturing_order()
    record_refused_capture(order.payment.attempts.get().pk, "INSTRUMENT_DECLINED", by="test")
    text = text_of(page_of(order))
    assert "You were not charged. PayPal declined the payment." in text
    assert "Try again · 15 min left" in text


def test_paid_order_thanks_and_offers_no_payment() -> None:
    text = text_of(page_of(paid_order()))
    assert "Thank you. Your order is paid." in text
    assert "Pay now" not in text


def test_payment_under_review_asks_for_nothing() -> None:
    order = placed_order()
    captured(attempt_at(order), order.total, status="PENDING")
    text = text_of(page_of(order))
    assert "There is nothing for you to do." in text
    assert "Pay now" not in text


@pytest.mark.parametrize(
    "reason", [one for one in FailureReason if one != FailureReason.PAYMENT_MISMATCH]
)
def test_ended_order_begins_with_nothing_was_charged(reason: FailureReason) -> None:
    response = page_of(failed_order(reason))
    assert "<h1>You were not charged." in response.content.decode()


def test_ended_order_that_took_money_never_says_not_charged() -> None:
    order = placed_order()
    attempt = attempt_at(order)
    cancel_by_customer(order_id=order.pk)
    captured(attempt, order.total)
    text = text_of(page_of(order))
    assert "not charged" not in text
    assert "Your money goes back to you in full." in text


@pytest.mark.parametrize(
    ("steps", "headline"),
    [
        ([OrderStatus.SHIPPED], "Your order is on its way."),
        ([OrderStatus.SHIPPED, OrderStatus.DELIVERED], "Your order has arrived."),
        ([OrderStatus.CANCELLED], "This order was cancelled."),
    ],
)
def test_each_later_state_is_told(steps: list[OrderStatus], headline: str) -> None:
    order = paid_order()
    for step in steps:
        order.move_to(step, by="staff", at=timezone.now())
    assert headline in text_of(page_of(order))


def test_wrong_token_and_unknown_number_are_not_found(client: Client) -> None:
    order, other = placed_order(), placed_order()
    for number, token in ((order.number, other.token), ("GNONE", order.token)):
        assert client.get(f"/orders/{number}/{token}/").status_code == 404
        assert client.post(f"/orders/{number}/{token}/cancel/").status_code == 404


def test_cancelling_an_unpaid_order_ends_it_once(client: Client) -> None:
    order = placed_order()
    for _ in range(2):
        response = client.post(f"{order.get_absolute_url()}cancel/")
        assert (response.status_code, response["Location"]) == (303, order.get_absolute_url())
    order.refresh_from_db()
    assert (order.status, order.reason) == (OrderStatus.FAILED, FailureReason.CANCELLED)


def test_cancelling_while_the_payment_is_confirmed_answers_409(client: Client) -> None:
    order = capturing_order()
    response = client.post(f"{order.get_absolute_url()}cancel/")
    assert response.status_code == 409
    assert "Your payment is being confirmed: it cannot be cancelled" in text_of(response)


def test_cancelling_a_shipped_order_answers_409(client: Client) -> None:
    order = paid_order()
    order.move_to(OrderStatus.SHIPPED, by="staff", at=timezone.now())
    assert client.post(f"{order.get_absolute_url()}cancel/").status_code == 409


def test_cancelling_a_paid_order_notes_the_wish(client: Client) -> None:
    order = paid_order()
    assert client.post(f"{order.get_absolute_url()}cancel/").status_code == 303
    assert "You asked to cancel this order." in text_of(page_of(order))


def test_paid_order_empties_its_own_cart_only(client: Client, tea: Any) -> None:
    cart_id = cart_id_of(client)
    page_of(paid_order(), client)
    assert cart_id_of(client) == cart_id
    order = placed_order(cart_id=cart_id)
    captured(attempt_at(order), order.total)
    page_of(order, client)
    assert "Your cart is empty." in text_of(client.get("/cart/"))
    put_in_cart(client, tea)
    assert cart_id_of(client) != cart_id


@pytest.mark.parametrize(
    ("language", "said"), [("en", "Receipt Nov 23, 2026, 09:05 UTC"), ("vi", "Hóa đơn 23 thg 11")]
)
def test_sent_emails_are_listed_with_their_time(client: Client, language: str, said: str) -> None:
    order = paid_order()
    at = datetime(2026, 11, 23, 9, 5, tzinfo=UTC)
    EmailDelivery.objects.create(
        event_id=uuid.uuid4(),
        role="customer",
        event_type="order.confirmed",
        subject=order.number,
        recorded_at=at,
        settled_at=at,
        status="SENT",
    )
    response = client.get(order.get_absolute_url(), headers={"accept-language": language})
    assert said in text_of(response)


def test_page_has_news_exactly_when_something_changed(client: Client) -> None:
    order = placed_order()
    address = f"{order.get_absolute_url()}?format=json"
    before, again = client.get(address).json(), client.get(address).json()
    assert before == again
    cancel_by_customer(order_id=order.pk)
    assert client.get(address).json()["version"] != before["version"]


def test_order_page_is_private_and_frugal(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    order = paid_order()
    with django_assert_max_num_queries(8):
        response = page_of(order, client)
    assert "no-store" in response["Cache-Control"]


def test_history_shows_ones_own_orders_only(client: Client, django_user_model: Any) -> None:
    lan = django_user_model.objects.create_user("lan", "lan@example.com", "secret")
    mine, other = placed_order(user_id=lan.pk), placed_order()
    assert client.get("/orders/").status_code == 302
    client.force_login(lan, backend="django.contrib.auth.backends.ModelBackend")
    text = text_of(client.get("/orders/"))
    assert mine.number in text
    assert other.number not in text
