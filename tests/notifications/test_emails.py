"""How the emails read."""

from typing import Any
from uuid import uuid4

import pytest

from notifications.emails import Unwritable, address_hash, message_id, write_email
from notifications.mime import WrittenEmail
from tests.notifications.examples import order_body, order_personal

RETRY = {"final": False, "issue": "INSTRUMENT_DECLINED", "reason": "declined"}
REFUSED = {"final": True, "issue": None, "reason": "declined"}
CANCELLED = {"final": True, "issue": None, "reason": "cancelled"}
ORDER_LINK = "http://127.0.0.1:8000/orders/G-1/token/"


def write(
    event_type: str = "order.confirmed",
    *,
    locale: str = "en",
    name: str = "Mai Nguyễn",
    address: str = "mai@example.com",
    **extra: Any,
) -> WrittenEmail:
    event_id = uuid4()
    return write_email(
        event_id=event_id,
        event_type=event_type,
        role="customer",
        address=address,
        name=name,
        locale=locale,
        message_id=message_id(event_id, "customer", address_hash(address)),
        data={**order_body("G-1", **extra), **order_personal("G-1")},
    )


def html_of(email: WrittenEmail) -> str:
    return str(email.alternatives[0][0])


@pytest.mark.parametrize("locale", ["en", "vi"])
@pytest.mark.parametrize(
    ("event_type", "extra"),
    [
        ("order.confirmed", {}),
        ("order.payment_failed", {"payment": RETRY}),
        ("order.payment_failed", {"payment": REFUSED}),
        ("order.payment_failed", {"payment": CANCELLED}),
    ],
)
def test_text_and_html_name_order_items_and_total(
    event_type: str, extra: dict[str, Any], locale: str
) -> None:
    email = write(event_type, locale=locale, **extra)
    assert "G-1" in email.subject
    total = "27,50\xa0US$" if locale == "vi" else "$27.50"
    for part in (str(email.body), html_of(email)):
        assert "Đà Lạt coffee" in part
        assert total in part
        assert "{{" not in part


def test_vietnamese_reader_gets_vietnamese() -> None:
    email = write(locale="vi-VN")
    assert email.subject == "Đơn hàng G-1 đã được xác nhận"
    assert "Cảm ơn Mai Nguyễn!" in str(email.body)
    assert 'lang="vi"' in html_of(email)
    assert "Việt Nam" in str(email.body)


def test_unspoken_language_falls_back_to_the_shops() -> None:
    assert write(locale="fr").subject == "Your order G-1 is confirmed"


def test_refusal_that_may_be_retried_leads_to_the_order() -> None:
    email = write("order.payment_failed", payment=RETRY)
    assert "Nothing was charged" in str(email.body)
    assert ORDER_LINK in str(email.body)
    assert ORDER_LINK in html_of(email)


@pytest.mark.parametrize("payment", [REFUSED, CANCELLED])
def test_ended_order_offers_no_retry(payment: dict[str, Any]) -> None:
    email = write("order.payment_failed", payment=payment)
    assert "Nothing was charged" in str(email.body)
    assert ORDER_LINK not in str(email.body) + html_of(email)


def test_hostile_name_stays_text() -> None:
    email = write(name="<b>Mai</b>\r\nBcc: all@example.com")
    assert "<b>Mai" not in html_of(email)
    assert "Bcc" not in email.message()
    assert len(email.recipients()) == 1


def test_endless_name_is_shortened() -> None:
    email = write(name="N" * 10_000)
    assert len(str(email.message()["To"])) < 150
    assert len(html_of(email)) < 20_000


def test_name_from_right_to_left_is_carried() -> None:
    assert "مريم" in str(write(name="مريم").body)


@pytest.mark.parametrize("address", ["mai", "a@b\nBcc: c@d.com", "", "a@b@c.com"])
def test_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(Unwritable) as caught:
        write(address=address)
    assert caught.value.reason == "address"


def test_message_id_is_derived_from_event_recipient_and_resend() -> None:
    event_id, mai = uuid4(), address_hash("mai@example.com")
    assert message_id(event_id, "customer", mai) == message_id(event_id, "customer", mai)
    others = {
        message_id(uuid4(), "customer", mai),
        message_id(event_id, "staff", mai),
        message_id(event_id, "customer", address_hash("lan@example.com")),
        message_id(event_id, "customer", mai, 1),
    }
    assert len(others | {message_id(event_id, "customer", mai)}) == 5


def test_address_is_the_same_however_it_is_written() -> None:
    assert address_hash(" Mai@Example.com") == address_hash("mai@example.com")


def test_headers_say_what_the_email_is_about() -> None:
    message = write().message()
    assert message["X-Event-Type"] == "order.confirmed"
    assert message["X-Order-Number"] == "G-1"
    assert message["Auto-Submitted"] == "auto-generated"
