"""The checkout form: what it asks, what it keeps, how it names what is wrong."""

import pytest
from django.http import QueryDict
from django.test import Client

from orders.models import Order
from shop.forms import CheckoutForm
from shop.models import Variant
from tests.shop.pages import ADDRESS, filled_form, form_of, summary, text_of

pytestmark = pytest.mark.django_db


def test_button_says_what_it_costs(client: Client, tea: Variant) -> None:
    assert "Continue to PayPal · $16.50" in text_of(client.get("/checkout/"))


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("email", "", "Enter your email address."),
        ("email", "lan@", "Enter an email address such as name@example.com."),
        ("full_name", " ", "Enter your name."),
        ("full_name", "Lan\r\nBcc: all@example.com", "Leave out characters that cannot be seen."),
        ("line1", "\u202eevil", "Leave out characters that cannot be seen."),
        ("phone", "call me", "Enter a phone number such as +84 90 123 45 67."),
        ("country", "XX", "Choose a country from the list."),
        ("delivery", "a b", "Choose a way of delivery."),
        ("checkout_key", "nonsense", "This form was out of date. Please send it once more."),
    ],
)
def test_bad_field_is_named_and_the_form_kept(
    client: Client, tea: Variant, field: str, typed: str, said: str
) -> None:
    response = client.post("/checkout/", form_of(client, **{"city": ["Huế"], field: [typed]}))
    assert response.status_code == 422
    assert said in summary(response)
    assert filled_form(response, "/checkout/")["city"] == ["Huế"]
    assert not Order.objects.exists()


@pytest.mark.parametrize("bad", ["\0", "x" * 10_000, "<script>alert(1)</script>" * 400])
def test_hostile_fields_get_a_clean_answer(client: Client, tea: Variant, bad: str) -> None:
    for field in (*ADDRESS, "phone", "line2", "postal_code", "delivery"):
        response = client.post("/checkout/", {**ADDRESS, field: [bad]})
        assert response.status_code == 422, field
        assert b"<script>alert" not in response.content


def test_key_is_kept_over_errors(client: Client, tea: Variant) -> None:
    form = form_of(client, email=["lan@"])
    again = filled_form(client.post("/checkout/", form), "/checkout/")
    assert again["checkout_key"] == form["checkout_key"]


def test_empty_cart_leads_back_to_the_cart(client: Client) -> None:
    for response in (client.get("/checkout/"), client.post("/checkout/", ADDRESS)):
        assert (response.status_code, response["Location"]) == (303, "/cart/")
    assert "Your cart is empty. Choose something first." in client.get("/cart/").content.decode()


@pytest.mark.parametrize("shown", ["", "nonsense", "1e999999", "NaN", "Infinity", "-sNaN"])
def test_unreadable_total_counts_as_none_shown(shown: str) -> None:
    sent = QueryDict(mutable=True)
    for name, values in {
        **ADDRESS,
        "shown_total": [shown],
        "listed": [":", "x", f":{shown}"],
    }.items():
        sent.setlist(name, values)
    form = CheckoutForm(sent)
    assert form.is_valid()
    assert form.total_shown() is None
