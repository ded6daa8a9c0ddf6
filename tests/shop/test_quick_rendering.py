"""The storefront's template tags, and the inputs that write themselves."""

import pytest
from django.template import Context, Template
from django.utils.translation import override

from shop.form_inputs import CountrySelect, EmailInput, LineInput

_FIXED = "{% load i18n storefront %}{% fixed %}{{ seen }} {% translate 'Cart' %}{% endfixed %}"


def test_fixed_part_is_rendered_once_in_each_language() -> None:
    template = Template(_FIXED)
    with override("en"):
        assert template.render(Context({"seen": 1})) == "1 Cart"
        assert template.render(Context({"seen": 2})) == "1 Cart"
    with override("vi"):
        assert template.render(Context({"seen": 3})) == "3 Giỏ hàng"


@pytest.fixture
def countries() -> CountrySelect:
    select = CountrySelect()
    select.offered = frozenset({"VN", "AX", "US"})
    return select


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("en", ["Åland Islands", "United States", "Vietnam"]),
        ("vi", ["Hoa Kỳ", "Quần đảo Åland", "Việt Nam"]),
    ],
)
def test_countries_are_offered_by_name(
    countries: CountrySelect, language: str, names: list[str]
) -> None:
    with override(language):
        html = countries.render("country", None)
    assert [line.partition(">")[2].removesuffix("</option>") for line in _options(html)] == names


def test_chosen_country_alone_is_selected(countries: CountrySelect) -> None:
    with override("en"):
        html = countries.render("country", "US", {"id": "id_country"})
    assert html.startswith('<select name="country" id="id_country">')
    assert [line for line in _options(html) if "selected" in line] == [
        '<option value="US" selected>United States</option>'
    ]


@pytest.mark.parametrize("typed", ['"><script>alert(1)</script>', "FR", "", "option"])
def test_country_that_is_not_offered_changes_nothing(countries: CountrySelect, typed: str) -> None:
    assert countries.render("country", typed) == countries.render("country", None)


def _options(html: str) -> list[str]:
    return html.partition(">")[2].removesuffix("</select>").split("\n")


def test_line_writes_what_was_typed_and_nothing_else() -> None:
    html = LineInput({"autocomplete": "name"}).render("full_name", '"><b>', {"required": True})
    assert html == (
        '<input type="text" name="full_name" value="&quot;&gt;&lt;b&gt;"'
        ' autocomplete="name" required>'
    )
    assert EmailInput().render("email", None) == '<input type="email" name="email">'
