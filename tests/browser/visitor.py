"""A visitor who speaks HTTP by hand and sends what no browser would."""

from urllib.parse import urljoin

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from urllib3 import Retry

from tests.shop.pages import ADDRESS, Fields, filled_form

Answer = requests.Response
_TIMEOUT = 30
# The server may close a kept connection between two requests (and does after a body that it did
# not read to its end): whoever only looks asks again.
_AS_BROWSERS_DO = Retry(total=1, connect=0, status=0, redirect=0, allowed_methods={"GET"})


class Visitor:
    """Keeps cookies; every path is the shop's; redirects are answers."""

    def __init__(self, shop_url: str) -> None:
        self._shop_url = shop_url
        self._session = requests.Session()
        self._session.mount("http://", HTTPAdapter(max_retries=_AS_BROWSERS_DO))

    @property
    def cookies(self) -> RequestsCookieJar:
        return self._session.cookies

    def close(self) -> None:
        self._session.close()

    def see(self, path: str) -> Answer:
        return self._ask("GET", path)

    def send(self, path: str, fields: Fields) -> Answer:
        """Post fields as a form of this shop would, with its token."""
        token = filled_form(self.see("/pages/terms/"), "/i18n/setlang/")["csrfmiddlewaretoken"]
        return self._ask("POST", path, {**fields, "csrfmiddlewaretoken": token})

    def send_bare(self, path: str, fields: Fields) -> Answer:
        """Post fields without the token."""
        return self._ask("POST", path, fields)

    def add(self, sku: str, quantity: str = "1") -> Answer:
        return self.send("/cart/add/", {"sku": [sku], "quantity": [quantity]})

    def check_out(self, **changes: list[str]) -> Answer:
        """Send the checkout form as the page gives it, filled in, with these changes."""
        form = filled_form(self.see("/checkout/"), "/checkout/")
        return self.send("/checkout/", {**form, **ADDRESS, **changes})

    def _ask(self, method: str, path: str, fields: Fields | None = None) -> Answer:
        url = urljoin(self._shop_url, path)
        return self._session.request(
            method, url, data=fields, timeout=_TIMEOUT, allow_redirects=False
        )
