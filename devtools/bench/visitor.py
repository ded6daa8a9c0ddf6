"""A visitor of the shop who costs the machine little: a kept connection, cookies, no more.

The measuring client runs on the cores that the shop runs on. `requests` takes about a millisecond
of them for each page, as much as the shop does for its quickest; this takes a tenth of that.
"""

import re
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from types import TracebackType
from typing import Self
from urllib.parse import urlencode, urlsplit

_TIMEOUT = 60
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class UnexpectedAnswer(Exception):
    """The shop answered with another status than the measurement needs."""


@dataclass(frozen=True)
class Answer:
    """What came back; `seconds` from the request's sending to the answer's head."""

    status: int
    text: str
    seconds: float

    def expect(self, status: int) -> Self:
        if self.status != status:
            raise UnexpectedAnswer(f"{self.status} instead of {status}: {self.text[:200]}")
        return self

    def hidden(self, name: str) -> str:
        """Return the value of the page's first hidden field of that name."""
        found = re.search(rf'name="{name}"[^>]*value="([^"]+)"', self.text)
        if found is None:
            raise LookupError(f"The page has no field {name}.")
        return found[1]


class Visitor:
    """One browser: `with Visitor(shop) as visitor: visitor.get("/")`. Follows no redirect."""

    def __init__(self, shop: str) -> None:
        self._line = HTTPConnection(urlsplit(shop).netloc, timeout=_TIMEOUT)
        self._cookies: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.leave()

    def leave(self) -> None:
        self._line.close()

    @property
    def cookies(self) -> str:
        """Return what the header `Cookie` says."""
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    def get(self, path: str) -> Answer:
        return self._ask("GET", path, None, {})

    def post(self, path: str, form: dict[str, str]) -> Answer:
        return self._ask("POST", path, urlencode(form), _FORM)

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        began = time.perf_counter()
        self._line.request(method, path, body, {**headers, "Cookie": self.cookies})
        answer = self._line.getresponse()
        seconds = time.perf_counter() - began
        self._keep_cookies(answer.headers)
        return Answer(answer.status, answer.read().decode(), seconds)

    def _keep_cookies(self, headers: HTTPMessage) -> None:
        for line in headers.get_all("Set-Cookie") or ():
            name, _, rest = line.partition("=")
            self._cookies[name] = rest.partition(";")[0]
