"""People who buy over HTTP from a shop that keeps dying under them, and do not give up at once."""

import re
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from threading import Event, Thread
from urllib.parse import parse_qs, urlsplit

import requests

# What people do at PayPal's page; None: they close it.
_CHOICES = ("pay", "pay", "pay", "pay", "leave", "leave", "decline", "cancel", None)
_PATIENCE = 4
_SECONDS = 30
_ADDRESS = {
    "full_name": "Lan Nguyễn",
    "phone": "",
    "line1": "12 Hàng Gai",
    "city": "Hà Nội",
    "postal_code": "100000",
    "country": "VN",
}


class GaveUp(Exception):
    """The shop did not answer for too long; the message says at which step."""


class Shopper:
    """One person with one browser."""

    def __init__(self, shop: str, paypal: str, random: Random) -> None:
        self._shop, self._paypal, self._random = shop, paypal, random
        self._browser = requests.Session()

    def buy(self, sku: str) -> str:
        """Buy one piece, or not; return what became of it as far as this person saw."""
        self._send("cart", lambda: self._post("/cart/add/", sku=sku, quantity="1"))
        page = self._send("checkout", lambda: self._get(f"{self._shop}/checkout/"))
        key = re.search(r'name="checkout_key" value="([^"]+)"', page.text)
        if key is None:
            return "nothing to buy"
        form = {
            **_ADDRESS,
            "checkout_key": key[1],
            "email": f"lan.{uuid.uuid4().hex[:8]}@example.com",
        }
        placed = self._send("order", lambda: self._post("/checkout/", **form))
        way = placed.headers.get("Location", "")
        if "/payments/" not in way:
            return f"order answered {placed.status_code}"
        return self._pay(self._shop + urlsplit(way).path)

    def _pay(self, start: str) -> str:
        opened = self._send("start", lambda: self._get(start))
        token = parse_qs(urlsplit(opened.headers.get("Location", "")).query).get("token")
        choice = self._random.choice(_CHOICES)
        if token is None or choice is None:
            return "left before paying"
        address = f"{self._paypal}/checkoutnow/{choice}"
        chosen = self._browser.post(
            address, {"token": token[0]}, allow_redirects=False, timeout=_SECONDS
        )
        back = chosen.headers.get("Location")
        if back is not None:
            self._send("return", lambda: self._get(back))
        return f"chose {choice}"

    def _get(self, address: str) -> requests.Response:
        return self._browser.get(address, allow_redirects=False, timeout=_SECONDS)

    def _post(self, path: str, **form: str) -> requests.Response:
        if "csrf" not in self._browser.cookies:
            self._get(f"{self._shop}/cart/")
        form["csrfmiddlewaretoken"] = self._browser.cookies.get("csrf") or ""
        return self._browser.post(self._shop + path, form, allow_redirects=False, timeout=_SECONDS)

    def _send(self, step: str, request: Callable[[], requests.Response]) -> requests.Response:
        """Send a request again while the shop is away; each of them is safe to repeat."""
        for _ in range(_PATIENCE):
            try:
                answer = request()
            except requests.RequestException:
                time.sleep(1)
                continue
            if answer.status_code < requests.codes.server_error:
                return answer
            time.sleep(1)
        raise GaveUp(step)


class Crowd:
    """`with Crowd(…) as crowd:` keeps some people buying until the block ends."""

    def __init__(
        self, shop: str, paypal: str, skus: Sequence[str], *, people: int, seed: int
    ) -> None:
        self.outcomes: Counter[str] = Counter()
        self._shop, self._paypal, self._skus = shop, paypal, skus
        self._is_over = Event()
        self._threads = [
            Thread(target=self._shop_on, args=[Random(f"{seed} {n}")])  # noqa: S311
            for n in range(people)
        ]

    def __enter__(self) -> "Crowd":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _shop_on(self, random: Random) -> None:
        while not self._is_over.is_set():
            try:
                outcome = Shopper(self._shop, self._paypal, random).buy(random.choice(self._skus))
            except GaveUp as step:
                outcome = f"gave up at the {step}"
            self.outcomes[outcome] += 1
