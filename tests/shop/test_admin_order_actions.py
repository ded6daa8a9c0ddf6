"""What staff do with an order on its own page: offered, asked, done once, refused with a reason."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from devtools.paypal.client import Emulator
from notifications.models import Event
from orders.flags import Flag
from orders.fulfilment import ship_order
from orders.models import Order, SentForm
from payments.models import Capture, Refund
from payments.settlement import settle
from tests.factories import VariantFactory, placed_order
from tests.paying import approve, standing, violations
from tests.payments.test_stray_refunds import stray_money
from tests.together import together

pytestmark = pytest.mark.django_db

LABELS = {
    "ship": "Ship",
    "deliver": "Mark as delivered",
    "cancel": "Cancel",
    "refund": "Refund",
    "refund-stray": "Refund stray money",
    "resend": "Resend email",
    "check": "Check with PayPal",
    "note": "Add note",
    "undo-ship": "Undo ship",
    "correct": "Correct contact",
    "return": "Record return",
    "clear-flag": "Clear flag",
}


def page_of(order: Order) -> str:
    return reverse("admin:orders_order_change", args=[order.pk])


def address(order: Order, action: str) -> str:
    return reverse(f"admin:orders_order_{action}", args=[order.pk])


def ask(client: Client, order: Order, action: str) -> str:
    return client.get(address(order, action)).text


def form_of(client: Client, order: Order, action: str, **typed: str) -> dict[str, Any]:
    """Open the action's page and fill its form in."""
    page = client.get(address(order, action))
    form = page.context["form"]
    shown = {name: form[name].value() for name in form.fields}
    return {name: "" if value is None else value for name, value in {**shown, **typed}.items()}


def act(client: Client, order: Order, action: str, **typed: str) -> Any:
    return client.post(address(order, action), form_of(client, order, action, **typed), follow=True)


def ship(order: Order) -> None:
    ship_order(order_id=order.pk, carrier="VNPost", tracking_number="EE123", by="Lan")


def offered(client: Client, order: Order) -> set[str]:
    return {action.name for action in client.get(page_of(order)).context["actions"]}


def said(response: Any) -> str:
    return " ".join(str(one) for one in response.context["messages"])


@pytest.fixture
def order(paypal: Emulator) -> Order:
    """Return an order of two teas that was paid at PayPal."""
    order = placed_order((VariantFactory.create(), 2))
    settle(approve(order).pk, by="return")
    return order


def test_what_the_state_allows_is_offered_and_nothing_else(
    admin_client: Client, order: Order
) -> None:
    always = {"check", "note", "correct"}
    assert offered(admin_client, placed_order()) == always - {"check"} | {"cancel"}
    assert offered(admin_client, order) == always | {"ship", "cancel", "refund"}
    order.raise_flag(Flag.DISPUTED)
    assert offered(admin_client, order) == always | {"cancel", "refund", "clear-flag"}
    Order.objects.filter(pk=order.pk).update(flag="")
    ship(order)
    assert offered(admin_client, order) == always | {"deliver", "undo-ship", "refund", "return"}
    act(admin_client, order, "deliver")
    assert offered(admin_client, order) == always | {"refund", "return"}


def test_each_action_stands_on_the_order_page_under_its_name(
    admin_client: Client, order: Order
) -> None:
    page = admin_client.get(page_of(order))
    for action in page.context["actions"]:
        label = LABELS[action.name]
        link = rf'<a href="{address(order, action.name)}"[^>]*>{label}</a>'
        assert re.search(link, page.text)
        assert re.search(rf"<button[^>]*>{label}</button>", ask(admin_client, order, action.name))


def test_shipping_with_carrier_and_number(admin_client: Client, order: Order) -> None:
    act(admin_client, order, "ship", carrier="VNPost", tracking_number="EE1")
    order.refresh_from_db()
    assert (order.status, order.carrier, order.tracking_number) == ("SHIPPED", "VNPost", "EE1")
    assert LogEntry.objects.get().get_change_message() == "Ship: VNPost EE1"
    assert order.transitions.last().by == "admin"  # type: ignore[union-attr]


def test_a_bad_form_keeps_what_was_typed(admin_client: Client, order: Order) -> None:
    typed = form_of(admin_client, order, "ship", carrier="", tracking_number="EE1")
    response = admin_client.post(address(order, "ship"), typed)
    assert response.status_code == 422
    assert 'value="EE1"' in response.text
    assert standing(order)[0] == "SUCCESS"


def test_what_the_state_forbids_is_refused_with_a_sentence(
    admin_client: Client, order: Order
) -> None:
    act(admin_client, order, "cancel", reason="The roof leaks.")
    response = admin_client.post(address(order, "ship"), {"carrier": "VNPost"})
    assert response.status_code == 409
    assert "The order was cancelled." in response.text
    assert standing(order)[0] == "CANCELLED"


def test_the_second_sees_what_the_first_did(admin_client: Client, order: Order) -> None:
    typed = form_of(admin_client, order, "ship", carrier="GHN", tracking_number="G2")
    ship(order)
    response = admin_client.post(address(order, "ship"), typed)
    assert response.status_code == 409
    assert "The order is shipped already." in response.text
    assert "SUCCESS → SHIPPED" in response.text
    order.refresh_from_db()
    assert (order.carrier, SentForm.objects.count()) == ("VNPost", 0)


def test_a_refund_over_a_refund_that_was_not_seen_asks_again(
    admin_client: Client, order: Order
) -> None:
    typed = form_of(admin_client, order, "refund", amount="5.00")
    act(admin_client, order, "refund", amount="5.00")
    response = admin_client.post(address(order, "refund"), typed)
    assert response.status_code == 409
    assert Refund.objects.count() == 1
    again = {name: response.context["form"][name].value() for name in typed}
    admin_client.post(address(order, "refund"), again)
    assert Refund.objects.count() == 2


@pytest.mark.parametrize(
    ("action", "typed", "rows"),
    [("refund", {"amount": "5.00"}, "refunds"), ("note", {"note": "Ring twice."}, "notes")],
)
def test_a_double_click_is_one_act(
    admin_client: Client, order: Order, action: str, typed: dict[str, str], rows: str
) -> None:
    form = form_of(admin_client, order, action, **typed)
    for _ in range(2):
        response = admin_client.post(address(order, action), form, follow=True)
    assert response.status_code == 200
    assert "sent already" in said(response)
    counts = {"refunds": Refund.objects.count(), "notes": order.notes.count()}
    assert counts[rows] == 1


@pytest.mark.django_db(transaction=True)
def test_a_double_click_at_the_very_same_moment_is_one_act(
    admin_client: Client, order: Order
) -> None:
    form = form_of(admin_client, order, "note", note="Ring twice.")
    together([lambda: admin_client.post(address(order, "note"), form)] * 3)
    assert order.notes.count() == 1


def test_more_than_is_left_is_refused_and_kept(admin_client: Client, order: Order) -> None:
    typed = form_of(admin_client, order, "refund", amount="99.00")
    response = admin_client.post(address(order, "refund"), typed)
    assert response.status_code == 409
    assert "Only 29.00 USD is left" in response.text
    assert 'value="99.00"' in response.text
    assert not Refund.objects.exists()


def test_shipping_can_be_undone(admin_client: Client, order: Order) -> None:
    ship(order)
    act(admin_client, order, "undo-ship")
    assert standing(order)[0] == "SUCCESS"


def test_goods_come_back_with_their_money(admin_client: Client, order: Order) -> None:
    ship(order)
    line = order.lines.get()
    typed = {f"restock_{line.pk}": "1", f"write_off_{line.pk}": "1", "refund": "20.00"}
    act(admin_client, order, "return", **typed)
    assert Refund.objects.get().amount == 20
    assert "return" not in offered(admin_client, order)
    assert violations() == []


def test_no_pieces_are_no_return(admin_client: Client, order: Order) -> None:
    ship(order)
    response = act(admin_client, order, "return")
    assert response.status_code == 422
    assert not order.returns.exists()


def test_a_correction_is_checked_like_the_checkout(admin_client: Client, order: Order) -> None:
    assert act(admin_client, order, "correct", email="nobody").status_code == 422
    act(admin_client, order, "correct", email="mai@example.com")
    order.refresh_from_db()
    assert order.email == "mai@example.com"
    assert "mai@" not in LogEntry.objects.get().get_change_message()


def test_paypal_is_asked_at_once(admin_client: Client, paypal: Emulator) -> None:
    order = placed_order()
    approve(order, "leave")
    act(admin_client, order, "check")
    assert standing(order)[0] == "SUCCESS"


def test_paypals_silence_is_told(admin_client: Client, order: Order, paypal: Emulator) -> None:
    paypal.fault("get_capture", "http_503", count=9)
    response = act(admin_client, order, "check")
    assert response.status_code == 409
    assert "PayPal does not answer" in response.text


def test_a_flag_is_cleared_with_a_note(admin_client: Client, order: Order) -> None:
    order.raise_flag(Flag.DISPUTED)
    act(admin_client, order, "clear-flag", note="Settled by telephone.")
    order.refresh_from_db()
    assert (order.flag, order.notes.get().by) == ("", "admin")


def test_an_order_that_is_not_there_is_not_found(admin_client: Client) -> None:
    assert admin_client.get("/admin/orders/order/999/ship/").status_code == 404


def test_stray_money_whose_refund_failed_goes_back_by_a_button(
    admin_client: Client, paypal: Emulator
) -> None:
    order = stray_money(paypal)
    assert "refund-stray" in offered(admin_client, order)
    capture = str(Capture.objects.get().pk)
    other = act(admin_client, placed_order(), "refund-stray", capture=capture)
    assert other.status_code in {409, 422}
    act(admin_client, order, "refund-stray", capture=capture)
    assert list(Refund.objects.values_list("status", flat=True)) == ["FAILED", "COMPLETED"]
    assert "refund-stray" not in offered(admin_client, order)
    assert LogEntry.objects.latest("pk").change_message.startswith("Refund stray money: ")


def deliver(client: Client, order: Order) -> None:
    ship(order)
    act(client, order, "deliver")


STATES: dict[str, Callable[[Client, Order], Any]] = {
    "paid": lambda _client, order: order.refresh_from_db(),
    "disputed": lambda _client, order: order.raise_flag(Flag.DISPUTED),
    "shipped": lambda client, order: act(client, order, "ship", carrier="VNPost"),
    "delivered": deliver,
    "cancelled": lambda client, order: act(client, order, "cancel", reason="The roof leaks."),
    "refunded": lambda client, order: act(client, order, "refund", amount="29.00"),
}
FORCED = {"carrier": "VNPost", "reason": "No.", "amount": "1.00", "note": "Hm.", "refund": "1.00"}


@pytest.mark.parametrize("state", STATES)
def test_what_is_not_offered_is_refused_if_forced(
    admin_client: Client, order: Order, state: str
) -> None:
    STATES[state](admin_client, order)
    before = standing(order), order.flag, Refund.objects.count(), Event.objects.count()
    for action in LABELS.keys() - offered(admin_client, order):
        answer = admin_client.post(address(order, action), FORCED)
        assert answer.status_code in {409, 422}, action
        assert answer.context["refusal"], action
    after = standing(order), order.flag, Refund.objects.count(), Event.objects.count()
    assert (after, violations()) == (before, [])


def test_a_wish_to_cancel_that_came_meanwhile_is_seen_before_the_parcel_leaves(
    admin_client: Client, client: Client, order: Order
) -> None:
    typed = form_of(admin_client, order, "ship", carrier="VNPost")
    client.post(f"{order.get_absolute_url()}cancel/")
    answer = admin_client.post(address(order, "ship"), typed)
    assert answer.status_code == 409
    assert "The order has changed since you opened this form. Look at it" in answer.text
    assert "The customer wishes to cancel" in admin_client.get(page_of(order)).text
    assert standing(order)[0] == "SUCCESS"
