"""What holds for the email of every stage, in every form and in both languages."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import html5lib
import pytest
from django.conf import settings

import notifications
from notifications.emails import Unwritable, write_email
from notifications.mime import WrittenEmail
from notifications.stages import STAGES, Stage
from tests.notifications.samples import Sample, samples

TEMPLATES = Path(notifications.__file__).parent / "templates" / "notifications"
# What an email makes use of where the event has it.
NEEDLESS = {"order.placed": {"hold"}, "order.sold_out": {"shortage"}}
FILES = ["body.html", "body.txt", "heading.txt", "story.txt", "subject.txt"]
PURPOSE = re.compile(r"\A{% extends [^%]+ %}{# [A-Z][^#]+\. #}\n")
LINK = re.compile(r'(?:href|src)="([^"]*)"')
VIETNAMESE = re.compile(r"[ăâđêôơưạảấầậắằẹẽếềệịọỏốồộớờợụủứừựỳỹ]")


def write(sample: Sample, locale: str = "en", **changes: Any) -> WrittenEmail:
    return write_email(
        event_id=uuid4(),
        event_type=sample.type,
        role=sample.role.value,
        address="mai@example.com",
        name="Mai Nguyễn",
        locale=locale,
        message_id="<1@example.com>",
        data={**sample.data, **changes},
    )


def html_of(email: WrittenEmail) -> str:
    return str(email.alternatives[0][0])


def stage_name(stage: Stage) -> str:
    return f"{stage.type} {stage.role}"


each_sample = pytest.mark.parametrize("sample", samples(), ids=lambda sample: str(sample.name))
each_language = pytest.mark.parametrize("locale", ["en", "vi"])


@pytest.mark.parametrize("stage", STAGES, ids=stage_name)
def test_stage_has_all_its_templates_and_an_example(stage: Stage) -> None:
    folder = TEMPLATES / stage.type / stage.role.value
    assert sorted(path.name for path in folder.glob("[!_]*")) == FILES
    assert any((one.type, one.role) == (stage.type, stage.role) for one in samples())


@pytest.mark.parametrize("stage", STAGES, ids=stage_name)
@pytest.mark.parametrize("body", ["body.html", "body.txt"])
def test_template_says_its_purpose_at_its_top(stage: Stage, body: str) -> None:
    assert PURPOSE.match((TEMPLATES / stage.type / stage.role.value / body).read_text())


@each_language
@each_sample
def test_email_is_whole(sample: Sample, locale: str) -> None:
    email = write(sample, locale)
    html, text = html_of(email), str(email.body)
    html5lib.HTMLParser(strict=True).parse(html)
    assert 10 < len(email.subject) < 100
    assert f'lang="{locale}"' in html
    for part in (str(email.subject), text, html):
        assert not re.search(r"[{}]{2}|{%|%}|\bNone\b", part.partition("</style>")[2] or part)
    assert "\n\n\n" not in text


@each_sample
def test_vietnamese_email_is_vietnamese(sample: Sample) -> None:
    english, vietnamese = write(sample, "en"), write(sample, "vi")
    assert VIETNAMESE.search(str(vietnamese.subject))
    headings = [str(email.body).partition("\n")[0] for email in (english, vietnamese)]
    assert headings[0] != headings[1]


@each_sample
def test_text_says_what_the_html_says(sample: Sample) -> None:
    email = write(sample)
    words = re.sub(r"<[^>]+>", " ", html_of(email).partition("<h1")[2])
    said = " ".join(words.replace("&#x27;", "'").split())
    for paragraph in str(email.body).partition("\n--\n")[0].split("\n\n")[:2]:
        assert " ".join(paragraph.split()) in said


@each_sample
def test_email_has_one_button_and_only_absolute_links(sample: Sample) -> None:
    html = html_of(write(sample))
    attention = sample.data.get("attention", {"cases": []})
    leads_to_several = len(attention["cases"]) > 1 and "day" not in attention
    assert html.count('class="button"') == (0 if leads_to_several else 1)
    assert f'href="{settings.SHOP_URL}/"' in html
    assert all(re.match(r"https?://[^/]+/", link) for link in LINK.findall(html))


@each_sample
def test_preheader_adds_to_the_subject(sample: Sample) -> None:
    email = write(sample)
    hidden = re.search(r'<div style="display:none[^>]*>([^<]*)</div>', html_of(email))
    assert hidden
    assert hidden[1].strip() not in {"", email.subject}


@each_sample
def test_headers_are_those_of_a_receipt(sample: Sample) -> None:
    message = write(sample).message()
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Reply-To"] == message["From"]
    is_reminder = sample.type == "order.payment_reminder"
    assert ("List-Unsubscribe" in message) == is_reminder
    assert ("List-Unsubscribe-Post" in message) == is_reminder


@each_sample
def test_what_the_event_lacks_is_an_error_that_names_it_and_the_line(sample: Sample) -> None:
    shared = {"order", "lines", "totals", "customer", "links"}
    for extra in sample.data.keys() - shared - NEEDLESS.get(sample.type, set()):
        data = {key: value for key, value in sample.data.items() if key != extra}
        with pytest.raises(Unwritable, match=rf"no {extra}\..*, line \d") as caught:
            write(replace(sample, body=data, personal={}))
        assert caught.value.reason == "render"


@pytest.mark.parametrize(
    ("name", "extra", "key"),
    [
        ("order.payment_failed", "payment", "reason"),
        ("placement.refused too_old", "placement", "reason"),
        ("order.expired", "order", "reason"),
        ("cancelled FAILED no refund", "order", "status"),
    ],
)
def test_what_a_template_only_compares_is_missed_too(name: str, extra: str, key: str) -> None:
    sample = named(name)
    poorer = {one: value for one, value in sample.data[extra].items() if one != key}
    with pytest.raises(Unwritable, match=f"The event has no {key}"):
        write(replace(sample, body={**sample.body, extra: poorer}))


@pytest.mark.parametrize("part", ["order", "lines", "totals", "links"])
def test_receipt_without_a_part_of_its_order_is_an_error(part: str) -> None:
    sample = named("order.confirmed")
    data = {key: value for key, value in sample.data.items() if key != part}
    with pytest.raises(Unwritable, match=f"The event has no {part}"):
        write(replace(sample, body=data, personal={}))


def named(name: str) -> Sample:
    return next(one for one in samples() if one.name == name)


def test_sold_out_first_says_that_nothing_was_charged() -> None:
    email = write(named("order.sold_out"))
    assert email.subject.startswith("You were not charged")
    assert str(email.body).startswith("You were not charged")


@pytest.mark.parametrize("name", ["order.payment_review", "cancelled CANCELLED refund"])
def test_no_email_says_not_charged_while_paypal_has_the_money(name: str) -> None:
    assert "charged" not in str(write(named(name)).body)


def test_line_that_sold_out_is_marked() -> None:
    assert "Sold out" in str(write(named("sold_out which")).body)
    assert "Sold out" not in str(write(named("order.sold_out")).body)


def test_expired_order_is_put_back_in_the_cart_where_that_is_offered() -> None:
    assert "/cart/reorder/" in html_of(write(named("expired declined")))
    assert "Visit the shop" in html_of(write(named("order.expired")))


def test_parcel_is_tracked_where_the_carrier_shows_it() -> None:
    assert 'href="https://track.example/EE123456789VN"' in html_of(write(named("order.shipped")))
    assert "/orders/G-1/token/" in html_of(write(named("shipped bare")))


def test_reminder_after_the_hold_promises_no_time() -> None:
    assert "for about 5 more minutes" in str(write(named("order.payment_reminder")).body)
    assert "were set aside" in str(write(named("order.payment_reminder late")).body)


@pytest.mark.parametrize(("picture", "is_shown"), [("p.svg", 0), ("p.png", 1), ("", 0), (None, 0)])
def test_only_pictures_that_mail_programs_show_are_in(picture: str | None, is_shown: int) -> None:
    sample = named("order.confirmed")
    line = {**sample.data["lines"][0], "picture": picture and f"{settings.SHOP_URL}/{picture}"}
    assert html_of(write(sample, lines=[line])).count("<img") == is_shown
