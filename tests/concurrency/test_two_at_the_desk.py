"""Two of the staff who send forms about one order at the very same moment, in real threads."""

from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from devtools.paypal.client import Emulator
from notifications.models import Event
from orders.models import Order
from payments.models import Refund
from payments.settlement import settle
from tests.factories import VariantFactory, placed_order
from tests.paying import approve, standing, violations
from tests.together import together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def order(paypal: Emulator) -> Order:
    """Return an order of two teas that was paid at PayPal."""
    order = placed_order((VariantFactory.create(), 2))
    settle(approve(order).pk, by="return")
    return order


@pytest.fixture
def mai() -> Client:
    return at_the_desk("mai")


@pytest.fixture
def lan() -> Client:
    return at_the_desk("lan")


def at_the_desk(name: str) -> Client:
    client = Client()
    user = User.objects.create_superuser(name)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def address(order: Order, action: str) -> str:
    return reverse(f"admin:orders_order_{action}", args=[order.pk])


def opened(client: Client, order: Order, action: str, **typed: str) -> partial[Any]:
    """Open the action's form and fill it in; return what sends it."""
    page = address(order, action)
    form = client.get(page).context["form"]
    shown = {name: form[name].value() or "" for name in form.fields}
    return partial(client.post, page, {**shown, **typed})


def sent_at_once(**forms: partial[Any]) -> tuple[str, str, Any]:
    """Send both; return who was first, who was second, and what the second one reads."""
    answers = dict(zip(forms, together(list(forms.values())), strict=True))
    codes = {name: answer.status_code for name, answer in answers.items()}  # type: ignore[union-attr]
    assert sorted(codes.values()) == [302, 409], codes
    first, second = sorted(forms, key=lambda name: codes[name])
    return first, second, answers[second]


@pytest.mark.parametrize("round_", range(3))
def test_two_parcels_of_one_order_are_one(
    order: Order, mai: Client, lan: Client, round_: int
) -> None:
    first, second, reads = sent_at_once(
        mai=opened(mai, order, "ship", carrier="VNPost", tracking_number="OF-MAI"),
        lan=opened(lan, order, "ship", carrier="GHN", tracking_number="OF-LAN"),
    )
    order.refresh_from_db()
    assert order.tracking_number == f"OF-{first.upper()}"
    assert f"{first} sent “Ship” after you opened this form." in reads.text
    assert Event.objects.filter(type="order.shipped").count() == 1
    again = {"mai": mai, "lan": lan}[second].get(address(order, "ship"))
    assert again.status_code == 409
    assert "The order is shipped already." in again.text
    assert f"· {first}" in again.text  # beside the line that tells of it


@pytest.mark.parametrize("round_", range(3))
def test_of_shipping_and_cancelling_the_second_is_told_of_the_first(
    order: Order, mai: Client, lan: Client, round_: int
) -> None:
    first, _second, reads = sent_at_once(
        mai=opened(mai, order, "ship", carrier="VNPost", tracking_number="1"),
        lan=opened(lan, order, "cancel", reason="The roof leaks."),
    )
    done = {"mai": "Ship", "lan": "Cancel"}[first]
    assert f"{first} sent “{done}” after you opened this form." in reads.text
    assert standing(order)[0] == {"Ship": "SHIPPED", "Cancel": "CANCELLED"}[done]
    assert violations() == []


@pytest.mark.parametrize("round_", range(3))
def test_two_refunds_at_once_are_one_until_the_second_has_read_of_the_first(
    order: Order, mai: Client, lan: Client, round_: int
) -> None:
    first, second, reads = sent_at_once(
        mai=opened(mai, order, "refund", amount="5.00"),
        lan=opened(lan, order, "refund", amount="5.00"),
    )
    assert Refund.objects.get().by == first
    assert f"{first} sent “Refund” after you opened this form. Look at it" in reads.text
    assert reads.context["form"]["amount"].value() == "5.00"
    opened({"mai": mai, "lan": lan}[second], order, "refund", amount="5.00")()
    assert [row.by for row in Refund.objects.all()] == [first, second]
    assert violations() == []
