"""The cart, in a signed cookie: no SQL, no session.

Prices in it are those the customer saw; what is charged is always read from the catalogue.
"""

import re
import uuid
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

MAX_LINES = 50
_SALT = "shop.cart"
_AGE = 60 * 24 * 60 * 60  # seconds
_PREVIOUS_KEPT = 3
_WHOLE = re.compile(r"\A[0-9]{1,30}\Z")


class BadQuantity(ValueError):
    """What was typed is no quantity."""


class CartFull(Exception):
    """The cart has as many lines as its cookie can hold."""


def parse_quantity(typed: str) -> int:
    """Read a quantity, 0 included; raise BadQuantity for all but plain digits."""
    text = typed.strip()
    if not _WHOLE.match(text):
        raise BadQuantity(text)
    return int(text)


@dataclass
class CartItem:
    """How many of a SKU, and the price its customer saw."""

    quantity: int
    shown_price: Decimal


@dataclass
class Cart:
    """One visitor's cart. `id` is opaque; it ties the orders made from this cart together."""

    id: uuid.UUID = field(default_factory=uuid.uuid4)
    previous: tuple[uuid.UUID, ...] = ()
    items: dict[str, CartItem] = field(default_factory=dict)

    @classmethod
    def from_request(cls, request: HttpRequest) -> "Cart":
        """Read the visitor's cart; a missing, broken, forged or old cookie is an empty one."""
        cookie = request.COOKIES.get(settings.CART_COOKIE_NAME, "")
        try:
            return cls._from_json(signing.loads(cookie, salt=_SALT, max_age=_AGE))
        except (signing.BadSignature, KeyError, TypeError, ValueError, InvalidOperation):
            return cls()

    def save_to(self, response: HttpResponse) -> None:
        response.set_cookie(
            settings.CART_COOKIE_NAME,
            signing.dumps(self._to_json(), salt=_SALT, compress=True),
            max_age=_AGE,
            secure=settings.IS_HTTPS,
            httponly=True,
            samesite="Lax",
        )

    def __len__(self) -> int:
        """Return how many pieces are in it."""
        return sum(item.quantity for item in self.items.values())

    @property
    def quantities(self) -> tuple[tuple[str, int], ...]:
        """Return (SKU, quantity) of each line, sorted by SKU."""
        return tuple((sku, self.items[sku].quantity) for sku in sorted(self.items))

    def quantity_of(self, sku: str) -> int:
        return self.items[sku].quantity if sku in self.items else 0

    def owns(self, cart_id: uuid.UUID) -> bool:
        """Say whether that is this visitor's cart, or one of those before it."""
        return cart_id == self.id or cart_id in self.previous

    def put(self, sku: str, quantity: int, price: Decimal) -> None:
        """Set a line's quantity, 1 to MAX_QUANTITY_PER_LINE, and the price shown beside it."""
        if not 1 <= quantity <= settings.MAX_QUANTITY_PER_LINE:
            raise BadQuantity(str(quantity))
        if sku not in self.items and len(self.items) >= MAX_LINES:
            raise CartFull
        self.items[sku] = CartItem(quantity, price)

    def remove(self, sku: str) -> None:
        """Take the line out, if it is there."""
        self.items.pop(sku, None)

    def start_anew(self) -> None:
        """Empty the cart under a new id; its orders stay known as this visitor's."""
        self.previous = (self.id, *self.previous)[:_PREVIOUS_KEPT]
        self.id = uuid.uuid4()
        self.items = {}

    def _to_json(self) -> dict[str, Any]:
        return {
            "id": self.id.hex,
            "previous": [one.hex for one in self.previous],
            "items": {sku: [i.quantity, str(i.shown_price)] for sku, i in self.items.items()},
        }

    @classmethod
    def _from_json(cls, data: Any) -> "Cart":
        return cls(
            id=uuid.UUID(data["id"]),
            previous=tuple(uuid.UUID(one) for one in data["previous"]),
            items={
                str(sku): CartItem(int(quantity), Decimal(price))
                for sku, (quantity, price) in data["items"].items()
            },
        )
