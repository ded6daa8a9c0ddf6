"""The pages that staff write: Markdown, safe whatever is typed, in both languages."""

from xml.etree.ElementTree import Element

import pytest
from django.contrib.auth.models import Group, User
from django.core.checks import CheckMessage, run_checks
from django.test import Client
from django.urls import reverse

from shop.demo.seed import seed_demo
from shop.models import PAGES_LINKED, ShopPage
from shop.page_text import render_page_text
from tests.shop.pages import parsed, text_of


def shown(text: str) -> str:
    return str(render_page_text(text)).strip()


@pytest.mark.parametrize(
    ("typed", "html"),
    [
        ("One\ntwo\n\nthree", "<p>One\ntwo</p>\n<p>three</p>"),
        ("# Prices\n\n## Tax", "<h2>Prices</h2>\n<h3>Tax</h3>"),
        (
            "- **tea**\n- *bowls*",
            "<ul>\n<li><strong>tea</strong></li>\n<li><em>bowls</em></li>\n</ul>",
        ),
        ("[us](/pages/contact/)", '<p><a href="/pages/contact/">us</a></p>'),
        (
            "<hello@ganh.example>",
            '<p><a href="mailto:hello@ganh.example">hello@ganh.example</a></p>',
        ),
    ],
)
def test_markdown_is_shown_as_it_is_meant(typed: str, html: str) -> None:
    assert shown(typed) == html


@pytest.mark.parametrize(
    "typed",
    [
        "<script>alert(1)</script>",
        "text <img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java&#x73;cript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "<javascript:alert(1)>",
        "![x](https://elsewhere.example/pixel.gif)",
        '[x](/a "onmouseover=alert(1)")',
        "[x]: javascript:alert(1)\n\n[x]",
        "<a href='javascript:alert(1)'>x</a>",
    ],
)
def test_nothing_that_is_typed_runs_or_loads(typed: str) -> None:
    tags = [tag for tag in elements(shown(typed)) if tag.tag not in {"html", "head", "body"}]
    assert {tag.tag for tag in tags} <= {"p", "a"}
    assert {name for tag in tags for name in tag.attrib} <= {"href", "title"}
    targets = [tag.attrib.get("href", "/") for tag in tags]
    assert all(target.startswith(("/", "https://")) for target in targets)


def elements(html: str) -> list[Element]:
    import html5lib

    return list(html5lib.parse(html, namespaceHTMLElements=False).iter())


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "vi"])
@pytest.mark.parametrize("slug", PAGES_LINKED)
def test_seeded_page_is_worth_reading(client: Client, slug: str, language: str) -> None:
    seed_demo()
    page = client.get(f"/pages/{slug}/", headers={"accept-language": language})
    tree = parsed(page)
    assert len(text_of(page).split()) > 100
    assert tree.findall(".//article/h2")
    links = [a.get("href", "") for a in tree.findall(".//article//a")]
    assert all(
        link.startswith("mailto:") or client.get(link).status_code in {200, 302} for link in links
    )


@pytest.mark.django_db
def test_page_without_vietnamese_is_shown_in_english(client: Client) -> None:
    ShopPage.objects.create(slug="contact", title_en="Contact", body_en="Write to **us**.")
    page = client.get("/pages/contact/", headers={"accept-language": "vi"})
    assert text_of(page) == "Contact Write to us ."


@pytest.mark.django_db
def test_whoever_keeps_the_catalogue_edits_a_page_and_cannot_lose_it(client: Client) -> None:
    page = ShopPage.objects.create(slug="terms", title_en="Terms", body_en="Old")
    staff = User.objects.create_user("mai", is_staff=True)
    staff.groups.add(Group.objects.get(name="catalogue"))
    client.force_login(staff, "django.contrib.auth.backends.ModelBackend")
    address = reverse("admin:shop_shoppage_change", args=[page.pk])
    assert "Heading" in client.get(address).content.decode()
    texts = {
        "title_en": "Terms",
        "title_vi": "",
        "body_en": "# New",
        "body_vi": "",
        "slug": "other",
    }
    assert client.post(address, texts).status_code == 302
    page.refresh_from_db()
    assert (page.slug, page.body_en) == ("terms", "# New")
    deleting = reverse("admin:shop_shoppage_delete", args=[page.pk])
    assert client.post(deleting, {"post": "yes"}).status_code == 403


@pytest.mark.django_db
def test_pages_nobody_has_written_are_named_to_whoever_sets_up_the_shop() -> None:
    def found() -> list[CheckMessage]:
        return [one for one in run_checks(databases=["default"]) if one.id == "shop.W002"]

    assert "contact, delivery, terms, privacy" in found()[0].msg
    seed_demo()
    assert found() == []
