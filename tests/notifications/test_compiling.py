"""A template made into a function writes what Django writes, and leaves to it what goes wrong."""

from typing import Any

import pytest
from django.template import Engine, Template
from django.utils import translation

from notifications import emails, rendering
from notifications.compiling import NotCompilable, compile_template
from tests.notifications.samples import Sample, samples
from tests.notifications.test_every_email import write

BUILTINS = ["django.templatetags.i18n", "notifications.templatetags.letters"]
FACTS: dict[str, Any] = {
    "name": "Mai <b>",
    "count": 1200,
    "lines": [{"sku": "A", "price": "1200.50"}, {"sku": "B&C", "price": "3"}],
    "none": None,
    "order": {"number": "G-1", "items": {"count": 2}, "lines": []},
}


def compile_source(source: str, *, is_html: bool = True) -> tuple[Template, Any]:
    template = Engine(builtins=BUILTINS).from_string(source)
    return template, compile_template(template, is_html=is_html)


@pytest.mark.parametrize("locale", ["en", "vi"])
@pytest.mark.parametrize("sample", samples(), ids=lambda sample: str(sample.name))
def test_every_email_is_written_by_functions_as_django_writes_it(
    sample: Sample, locale: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = []

    def render_both_ways(template: str, facts: dict[str, Any], *, is_html: bool = False) -> str:
        found = rendering.engine().get_template(template)
        text = compile_template(found, is_html=is_html)(dict(facts))
        assert text == rendering.render_by_django(found, facts, is_html=is_html)
        rendered.append(template)
        return text

    monkeypatch.setattr(emails, "render", render_both_ways)
    write(sample, locale)
    assert len(rendered) == 5


SOURCES = {
    "values": "100 % {{ name }} {{ count }} {{ none }} {{ order.items.count }} {{ lines.1.sku }}",
    "loop": """{% for line in lines %}{% if not forloop.first %}, {% endif %}{{ line.sku }}
        {{ forloop.counter }}{% if forloop.last %}.{% endif %}{% empty %}no{% endfor %}""",
    "nothing": "{% for line in order.lines %}{{ line }}{% empty %}nothing{% endfor %}",
    "conditions": """{% if count > 3 and name == 'x' or 'sku' in lines.0 %}a{% endif %}
        {% if not none %}b{% elif name %}c{% else %}d{% endif %}{% if none %}e{% endif %}""",
    "names": "{% with twice=name %}{{ twice }}{% endwith %}{{ lines|length }}{{ '5'|money:'USD' }}",
    "words": "{% translate 'Total' as label %}{{ label }} {% translate 'It\\'s 5 %' %}",
    "branches": """{% if count %}{% translate 'Total' as label %}{{ label }}{% endif %}
        {% for line in lines %}{% with name=line.sku %}{{ name }}{% endwith %}{{ name }}
        {% for each in lines %}{{ each.sku }}{{ line.sku }}{{ forloop.counter0 }}{% endfor %}
        {{ forloop.counter0 }}{% endfor %}""",
    "counted": """{% blocktranslate count n=lines|length with who=name %}
        {{ n }} of {{ who }}{% plural %}
        {{ n }} of them, {{ who }}, {{ count }}{% endblocktranslate %}""",
}


@pytest.mark.parametrize("is_html", [True, False])
@pytest.mark.parametrize("locale", ["en", "vi"])
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
def test_function_writes_what_django_writes(source: str, locale: str, is_html: bool) -> None:
    with translation.override(locale):
        template, write_out = compile_source(source, is_html=is_html)
        by_django = rendering.render_by_django(template, FACTS, is_html=is_html)
        assert write_out(dict(FACTS)) == by_django


@pytest.mark.parametrize(
    "source",
    [
        "{% now 'Y' %}",
        "{{ name|title }}",
        "{% for a, b in lines %}{% endfor %}",
        "{% include name %}",
        "{{ block.super }}",
        "{% for line in lines %}{{ label }}{% translate 'Total' as label %}{% endfor %}",
        "{% if none %}{% translate 'Total' as label %}{% endif %}{{ label }}",
    ],
)
def test_what_no_function_can_do_is_left_to_django(source: str) -> None:
    with pytest.raises(NotCompilable):
        compile_source(source)


def test_fact_that_is_missing_is_an_error_and_no_silence() -> None:
    for source in ("{{ missing }}", "{% if missing %}{% endif %}", "{{ order.missing }}"):
        with pytest.raises(KeyError):
            compile_source(source)[1](dict(FACTS))
