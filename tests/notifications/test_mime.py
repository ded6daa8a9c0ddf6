"""The bytes of an email say what Django's own MIME message says."""

from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr

import pytest
from django.core.mail import EmailMultiAlternatives

from notifications.mime import Mailbox, WrittenEmail
from tests.notifications.samples import Sample, samples
from tests.notifications.test_every_email import write

LONG = "Đường " * 60
NAMES = {"none": "", "plain": "Mai", "quoted": 'M, "I"\\', "Arabic": "مريم", "long": LONG[:70]}
SUBJECTS = {"long": "S" * 70, "words": "word " * 40, "short": "Đơn hàng", "Vietnamese": LONG}


def parsed(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=default)


def decoded(email: EmailMessage, name: str) -> str:
    """Return a header's words; Python's own reader puts spaces between the parts of a name."""
    raw = next(value for each, value in email.raw_items() if each == name)
    return str(make_header(decode_header(raw))).replace("\r\n", "").strip()


def said(email: EmailMessage) -> tuple[dict[str, str], list[str]]:
    """Return the headers and the parts, without what differs each time.

    Django begins a folded header with an empty line, which is read as a space.
    """
    headers = {name: decoded(email, name) for name in email if name != "Date"}
    headers["Content-Type"] = email.get_content_type()
    parts = [f"{part.get_content_type()}\n{part.get_content()}" for part in email.iter_parts()]
    return headers, parts


def assert_says_the_same(email: WrittenEmail) -> None:
    ours, djangos = parsed(email.content()), parsed(email.message().as_bytes(linesep="\r\n"))
    assert not [part.defects for part in ours.walk() if part.defects]
    assert said(ours) == said(djangos)


def letter(name: str = "", **changes: str) -> WrittenEmail:
    given = {"subject": "Hello", "body": "Hello\n", "html": "<p>Hello</p>\n", **changes}
    return WrittenEmail(
        to=Mailbox(name, "mai@example.com"),
        from_email="Gánh <shop@example.com>",
        reply_to=["Gánh <shop@example.com>"],
        headers={"Message-ID": "<1@example.com>"},
        **given,
    )


@pytest.mark.parametrize("locale", ["en", "vi"])
@pytest.mark.parametrize("sample", samples(), ids=lambda sample: str(sample.name))
def test_every_email_says_what_django_would_say(sample: Sample, locale: str) -> None:
    assert_says_the_same(write(sample, locale))


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_name_is_shown_whatever_it_is(name: str) -> None:
    email = letter(name)
    assert_says_the_same(email)
    shown, address = parseaddr(decoded(parsed(email.content()), "To"))
    assert (shown, address) == (name, "mai@example.com")


@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS.keys())
def test_subject_is_folded_where_it_is_long(subject: str) -> None:
    email = letter(subject=subject.strip())
    assert_says_the_same(email)
    assert max(map(len, email.content().splitlines())) <= 78


@pytest.mark.parametrize("body", ["one", "a\r\nb\rc\n", "From me\n.\n..\n", "ạ\n", "x" * 5000])
def test_body_is_carried_whatever_is_in_it(body: str) -> None:
    assert_says_the_same(letter(body=body, html=f"<p>{body}</p>"))


def test_line_longer_than_smtp_carries_is_encoded() -> None:
    content = letter(body="ạ" * 5000).content()
    assert max(map(len, content.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("subject", ["a\nBcc: b@example.com", "a\rBcc: b", "ạ\r\nBcc: b"])
def test_line_break_in_a_header_is_refused(subject: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        letter(subject=subject).content()


def test_written_email_is_djangos_own_for_other_backends() -> None:
    email = letter("Mai")
    assert isinstance(email, EmailMultiAlternatives)
    assert (email.to, email.alternatives[0][1]) == (["Mai <mai@example.com>"], "text/html")
