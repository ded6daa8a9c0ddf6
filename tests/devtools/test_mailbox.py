"""The mailbox over real SMTP and HTTP."""

import smtplib
from collections.abc import Generator
from email.message import EmailMessage

import pytest
import requests

from devtools.mailbox.client import Mailbox
from devtools.mailbox.server import MailboxServer


@pytest.fixture
def smtp(mailbox: Mailbox, mailbox_server: MailboxServer) -> Generator[smtplib.SMTP]:
    client = smtplib.SMTP("127.0.0.1", mailbox_server.smtp_port, timeout=10)
    yield client
    client.close()


def _email(subject: str = "Đơn hàng đã xác nhận") -> EmailMessage:
    email = EmailMessage()
    email["Subject"] = subject
    email["From"] = "Gánh <orders@example.com>"
    email["To"] = "Lan <lan@example.com>"
    email["Message-ID"] = "<one@example.com>"
    email["X-Order-Number"] = "G-1"
    email.set_content("Cảm ơn bạn.")
    email.add_alternative("<p>Cảm ơn <b>bạn</b>.</p>", subtype="html")
    return email


def test_message_is_shown_as_it_was_sent(mailbox: Mailbox, smtp: smtplib.SMTP) -> None:
    smtp.send_message(_email(), to_addrs=["lan@example.com"])
    (summary,) = mailbox.messages()
    message = mailbox.message(summary["id"])
    assert summary["to"] == ["lan@example.com"]
    assert summary["subject"] == "Đơn hàng đã xác nhận"
    assert summary["message_id"] == "<one@example.com>"
    assert summary["headers"]["X-Order-Number"] == "G-1"
    assert message["text"].strip() == "Cảm ơn bạn."
    assert "<b>bạn</b>" in message["html"]
    assert "X-Order-Number: G-1" in message["raw"]


def test_messages_are_listed_oldest_first(mailbox: Mailbox, smtp: smtplib.SMTP) -> None:
    for subject in ("first", "second"):
        smtp.send_message(_email(subject))
    assert [message["subject"] for message in mailbox.messages()] == ["first", "second"]


def test_cleared_mailbox_is_empty(mailbox: Mailbox, smtp: smtplib.SMTP) -> None:
    smtp.send_message(_email())
    mailbox.clear()
    assert mailbox.messages() == []


def test_large_message_is_taken(mailbox: Mailbox, smtp: smtplib.SMTP) -> None:
    email = _email()
    email.add_attachment(bytes(5_000_000), maintype="application", subtype="octet-stream")
    smtp.send_message(email)
    assert len(mailbox.message(mailbox.messages()[0]["id"])["raw"]) > 5_000_000


def test_greeting_offers_size_and_pipelining(smtp: smtplib.SMTP) -> None:
    smtp.ehlo()
    assert smtp.has_extn("size")
    assert smtp.has_extn("pipelining")


def test_refused_connection_sees_no_banner(mailbox: Mailbox, mailbox_server: MailboxServer) -> None:
    mailbox.fault("refuse_connect")
    with pytest.raises(smtplib.SMTPServerDisconnected):
        smtplib.SMTP("127.0.0.1", mailbox_server.smtp_port, timeout=10)
    smtplib.SMTP("127.0.0.1", mailbox_server.smtp_port, timeout=10).quit()


@pytest.mark.parametrize(("kind", "code"), [("tempfail_451", 451), ("permfail_550", 550)])
def test_refused_recipient_is_met_once(
    mailbox: Mailbox, smtp: smtplib.SMTP, kind: str, code: int
) -> None:
    requests.post(f"{mailbox.url}/api/faults", json={"kind": kind, "count": 1}, timeout=10)
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        smtp.send_message(_email())
    assert refused.value.recipients["lan@example.com"][0] == code
    smtp.send_message(_email())
    assert len(mailbox.messages()) == 1


def test_slow_dot_keeps_the_message_that_the_client_gives_up_on(
    mailbox: Mailbox, smtp: smtplib.SMTP
) -> None:
    mailbox.fault("slow_dot", delay_ms=60_000)
    assert smtp.sock is not None
    smtp.sock.settimeout(0.5)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        smtp.send_message(_email())
    assert len(mailbox.messages()) == 1


@pytest.mark.parametrize(
    "body", [{"kind": "strike"}, {"kind": "slow_dot", "count": 0}, {"count": 1}, [], "x"]
)
def test_wrong_fault_is_explained(mailbox: Mailbox, body: object) -> None:
    answer = requests.post(f"{mailbox.url}/api/faults", json=body, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_unknown_message_is_not_found(mailbox: Mailbox) -> None:
    assert requests.get(f"{mailbox.url}/api/messages/999999", timeout=10).status_code == 404


def test_page_is_served(mailbox: Mailbox) -> None:
    page = requests.get(mailbox.url, timeout=10)
    assert page.status_code == 200
    assert 'sandbox="' in page.text
