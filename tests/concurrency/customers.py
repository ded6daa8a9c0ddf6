"""Customers of a running shop: each with a cart and a filled form, over real HTTP."""

import re
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import requests

SKU = "TEA-LOTUS-50"
_SECONDS = 30


class Customer:
    """Somebody with a cart and a filled form."""

    def __init__(self, shop: str) -> None:
        self._shop = shop
        self._browser = requests.Session()
        # A kept connection may end, idle, at the moment it is used again: browsers ask again then.
        self._browser.headers["Connection"] = "close"
        self._get("/cart/")
        self._post("/cart/add/", {"sku": SKU, "quantity": "1"})
        page = self._get("/checkout/").text
        found = re.search(r'name="checkout_key" value="([^"]+)"', page)
        assert found, page
        self.key = found[1]
        self.form = {
            "checkout_key": self.key,
            "email": f"{uuid.uuid4().hex}@example.com",
            "full_name": "Lan Nguyễn",
            "line1": "12 Hàng Gai",
            "city": "Hà Nội",
            "country": "VN",
        }

    def order(self) -> requests.Response:
        """Send the form."""
        return self._post("/checkout/", self.form)

    def is_taken(self) -> bool:
        """Send the form, as its page offers again and again; say whether it is an order now."""
        try:
            return bool(self.order().status_code == requests.codes.see_other)
        except requests.RequestException:
            return False

    def state(self) -> str:
        """Return what the status page says, or that the shop is away."""
        try:
            answer = self._get(f"/checkout/{self.key}/?format=json")
        except requests.RequestException:
            return "away"
        return str(answer.json()["state"]) if answer.ok else "away"

    def _get(self, path: str) -> requests.Response:
        return self._browser.get(self._shop + path, allow_redirects=False, timeout=_SECONDS)

    def _post(self, path: str, form: dict[str, str]) -> requests.Response:
        form = {**form, "csrfmiddlewaretoken": self._browser.cookies.get("csrf") or ""}
        return self._browser.post(self._shop + path, form, allow_redirects=False, timeout=_SECONDS)


def rush(crowd: Sequence[Customer]) -> list[int]:
    """Let all order at once; return the answers' status codes."""
    with ThreadPoolExecutor(len(crowd)) as pool:
        return [answer.status_code for answer in pool.map(Customer.order, crowd)]
