"""Filters and tags of the storefront's templates."""

import json
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel.dates import format_date, format_skeleton
from django import template
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.template.base import NodeList, Parser, Token
from django.template.context import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext_lazy as _

from orders.lifecycle import OrderStatus
from orders.models import Order
from shop import money as shop_money
from shop import structured_data
from shop.countries import country_names
from shop.languages import LANGUAGES, address_in, asked_language
from shop.pictures import files_by_width

register = template.Library()

_NO_PICTURE = "shop/no-picture.svg"
_USUAL = 800  # pixels: the width for browsers that know no other
_STATES = {
    OrderStatus.PENDING: _("Waiting for payment"),
    OrderStatus.SUCCESS: _("Paid"),
    OrderStatus.FAILED: _("Not paid"),
    OrderStatus.SHIPPED: _("Shipped"),
    OrderStatus.DELIVERED: _("Delivered"),
    OrderStatus.CANCELLED: _("Cancelled"),
}


@register.filter
def money(amount: Decimal, currency: str | None = None) -> str:
    """Write an amount in the present language."""
    return shop_money.format_money(amount, currency)


@register.filter
@lru_cache(maxsize=10_000)
def picture_url(picture: str) -> str:
    """Return a picture's address; one that is not there shows an empty frame instead."""
    if files := files_by_width(picture):
        usual = max((width for width in files if width <= _USUAL), default=min(files))
        return _uploaded(files[usual])
    try:
        return staticfiles_storage.url(picture or _NO_PICTURE)
    except ValueError:  # not in the manifest: mistyped by staff, or gone since the order
        return staticfiles_storage.url(_NO_PICTURE)


@register.filter
def picture_widths(picture: str, sizes: str) -> SafeString | str:
    """Return the attributes by which a browser chooses the width it needs; none for a drawing."""
    files = files_by_width(picture)
    if not files:
        return ""
    widths = ", ".join(f"{_uploaded(name)} {width}w" for width, name in files.items())
    return format_html(' srcset="{}" sizes="{}"', widths, sizes)


def _uploaded(name: str) -> str:
    return f"{settings.MEDIA_URL}{name}"


@register.filter
@lru_cache(maxsize=10_000)
def card_address(picture: str) -> str:
    """Return the address of the picture that a shared link shows."""
    return structured_data.card_address(picture)


@register.simple_tag(takes_context=True)
def public_addresses(context: Context, path: str) -> dict[str, Any]:
    """Return a page's own address, in the language it asks for, and those in every language."""
    return {
        "own": address_in(asked_language(context["request"]), path),
        "others": [(code or "x-default", address_in(code, path)) for code in (*LANGUAGES, "")],
    }


@register.filter
def linked_data(data: dict[str, Any]) -> SafeString:
    """Write schema.org data as JSON that can end no script element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return mark_safe(text)  # noqa: S308 - nothing in it can be markup


@register.filter
def day(at: datetime) -> str:
    """Write a day of this year in few letters: "Nov 23", "23/11"."""
    skeleton = "Md" if get_language() == "vi" else "MMMd"  # in full, months are long in it
    return format_skeleton(skeleton, at, locale=_locale())


@register.filter
def moment(at: datetime) -> str:
    """Write a day and its time, in UTC."""
    return f"{format_date(at, locale=_locale())}, {at:%H:%M} UTC"


def _locale() -> str:
    return to_locale(get_language() or "en")


@register.filter
def country_name(code: str) -> str:
    return country_names().get(code, code)


@register.filter
def unlocalized(amount: Decimal) -> str:
    """Write an amount for programs: 1234.50 in every language."""
    return f"{amount:.2f}"


@register.filter
def state_name(order: Order) -> str:
    return str(_STATES[OrderStatus(order.status)])


@register.tag
def fixed(parser: Parser, token: Token) -> "FixedNode":
    """`{% fixed %} … {% endfixed %}`: what is the same on every page, but for its language."""
    nodes = parser.parse(("endfixed",))
    parser.delete_first_token()
    return FixedNode(nodes)


class FixedNode(template.Node):
    """Renders its content once in each language, and never again."""

    def __init__(self, nodes: NodeList) -> None:
        self.nodes = nodes
        self._rendered: dict[str | None, SafeString] = {}

    def render(self, context: Context) -> SafeString:
        language = get_language()
        if language not in self._rendered:
            self._rendered[language] = self.nodes.render(context)
        return self._rendered[language]
