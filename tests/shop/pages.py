"""Reading the shop's pages as a browser does."""

from typing import Any
from xml.etree.ElementTree import Element

import html5lib
from django.test import Client

from shop.models import Variant

Fields = dict[str, list[str]]


def parsed(response: Any) -> Element:
    """Parse a page; raise where its HTML is not valid."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    tree: Element = parser.parse(response.content.decode())
    return tree


def text_of(response: Any) -> str:
    """Return what a page's main part says, spaces put in order."""
    main = parsed(response).find(".//main")
    assert main is not None
    return " ".join(" ".join(main.itertext()).split())


def filled_form(response: Any, action: str) -> Fields:
    """Return what the page's form would send as it stands."""
    form = next(f for f in parsed(response).iter("form") if f.get("action") == action)
    fields: Fields = {}
    for field in form.iter("input"):
        if field.get("type") in {"radio", "checkbox"} and field.get("checked") is None:
            continue
        fields.setdefault(field.get("name", ""), []).append(field.get("value", ""))
    for select in form.iter("select"):
        chosen = [
            o.get("value", "") for o in select.iter("option") if o.get("selected") is not None
        ]
        fields[select.get("name", "")] = chosen
    return fields


def put_in_cart(client: Any, variant: Variant, quantity: int = 1) -> Any:
    """Put some of a variant in the visitor's cart."""
    return client.post("/cart/add/", {"sku": variant.sku, "quantity": str(quantity)})


ADDRESS = {
    "email": ["lan@example.com"],
    "full_name": ["Lan Nguyễn"],
    "line1": ["12 Hàng Gai"],
    "city": ["Hà Nội"],
    "country": ["VN"],
}


def form_of(client: Client, **changes: list[str]) -> Fields:
    """Open the checkout and fill it in."""
    return {**filled_form(client.get("/checkout/"), "/checkout/"), **ADDRESS, **changes}


def summary(response: Any) -> str:
    """Return what the page's error summary says."""
    found = [e for e in parsed(response).iter("div") if e.get("class") == "error-summary"]
    return " ".join(" ".join(found[0].itertext()).split()) if found else ""
