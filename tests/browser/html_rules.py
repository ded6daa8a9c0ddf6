"""What a page's HTML must hold to, beyond what a parser refuses."""

import itertools
from collections import Counter
from xml.etree.ElementTree import Element

import html5lib

_NEED_A_NAME = {"input", "select", "textarea"}
_POINTERS = ("for", "aria-labelledby", "aria-describedby", "aria-controls", "list", "form")


def html_problems(html: str) -> list[str]:
    """Return what is wrong with a page; a page that does not parse strictly raises."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    elements = [e for e in parser.parse(html).iter() if isinstance(e.tag, str)]
    ids = Counter(e.get("id") for e in elements if e.get("id") is not None)
    return [
        *(f"id {name!r} {count} times" for name, count in ids.items() if count > 1),
        *(problem for e in elements for problem in _dangling(e, set(ids))),
        *(f"{e.tag} without alt" for e in elements if e.tag == "img" and e.get("alt") is None),
        *(f"inline style on {e.tag}" for e in elements if e.get("style") is not None),
        *(f"field {e.get('name')} without id" for e in elements if _is_unlabelled(e)),
        *_headings(elements),
    ]


def _dangling(element: Element, ids: set[str | None]) -> list[str]:
    named = [(a, name) for a in _POINTERS for name in (element.get(a) or "").split()]
    return [f"{element.tag} {a}={name!r} leads nowhere" for a, name in named if name not in ids]


def _is_unlabelled(element: Element) -> bool:
    is_shown = element.get("type") not in {"hidden", "radio", "checkbox", "submit"}
    return element.tag in _NEED_A_NAME and is_shown and not element.get("id")


def _headings(elements: list[Element]) -> list[str]:
    """Return levels that were skipped, and a first heading that is not there once."""
    levels = [int(e.tag[1]) for e in elements if e.tag in {"h1", "h2", "h3", "h4", "h5", "h6"}]
    skipped = [f"h{b} after h{a}" for a, b in itertools.pairwise(levels) if b > a + 1]
    return skipped + ([] if levels.count(1) == 1 else [f"{levels.count(1)} first headings"])
