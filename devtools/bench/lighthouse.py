"""Lighthouse's four marks, on a phone, for the pages that lead a stranger to the checkout.

Lighthouse is no part of the project: it is used where `npm` has put it, and never fetched.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

from devtools import environment
from devtools.bench.visitor import Visitor
from shop.models import Product, Variant

_VERSION = "12.8.2"  # the last that Node 18 and 20 run
_FOLDER = environment.PROJECT / ".dev" / "lighthouse"
_INSTALL = (
    f"npm install --ignore-scripts --prefix {_FOLDER.relative_to(environment.PROJECT)} "
    f"lighthouse@{_VERSION}"
)
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MARKS = ("performance", "accessibility", "best-practices", "seo")
_TIMES = {
    "FCP": "first-contentful-paint",
    "LCP": "largest-contentful-paint",
    "TBT": "total-blocking-time",
    "CLS": "cumulative-layout-shift",
}
_GREEN = 0.9  # Lighthouse's own line between good and middling
_PATIENCE_SECONDS = 180


def report(shop: str) -> list[str]:
    """Let Lighthouse visit each page as the slow phone on a slow network that it plays."""
    command = _FOLDER / "node_modules" / ".bin" / "lighthouse"
    if not command.exists():
        return [f"Lighthouse is not installed; `{_INSTALL}` does that (190 MB, and needs Node)."]
    product = Product.objects.published().earliest("pk")
    public = ["/", "/products/", product.get_absolute_url()]
    private = ["/cart/", "/checkout/"]  # kept from search engines on purpose
    with Visitor(shop) as visitor:
        cookies = _fill_cart(visitor, Variant.objects.filter(product=product).earliest("pk").sku)
    lines = ["Lighthouse, as a phone four times slower than this machine, on slow 4G"]
    for path in public:
        lines += _told(path, _visit(str(command), f"{shop}{path}", _MARKS, {}))
    for path in private:
        lines += _told(path, _visit(str(command), f"{shop}{path}", _MARKS[:-1], cookies))
    return lines


def _fill_cart(visitor: Visitor, sku: str) -> dict[str, str]:
    """Put something in the cart and return the header that says whose it is."""
    token = visitor.get("/cart/").hidden("csrfmiddlewaretoken")
    form = {"sku": sku, "quantity": "1", "csrfmiddlewaretoken": token}
    visitor.post("/cart/add/", form).expect(303)
    return {"Cookie": visitor.cookies}


def _visit(
    command: str, url: str, marks: tuple[str, ...], headers: Mapping[str, str]
) -> dict[str, Any]:
    browser = next(filter(None, map(shutil.which, _BROWSERS)), "")
    done = subprocess.run(
        [
            command,
            url,
            "--quiet",
            "--output=json",
            "--no-enable-error-reporting",
            "--chrome-flags=--headless=new --no-sandbox",
            f"--only-categories={','.join(marks)}",
            f"--extra-headers={json.dumps(headers)}",
        ],
        env={**os.environ, "CHROME_PATH": browser},
        stdout=subprocess.PIPE,
        timeout=_PATIENCE_SECONDS,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _told(path: str, found: dict[str, Any]) -> list[str]:
    marks = {name: round(one["score"] * 100) for name, one in found["categories"].items()}
    times = (f"{name} {found['audits'][audit]['displayValue']}" for name, audit in _TIMES.items())
    below = [
        f"    {audit['id']}: {audit['title']}"
        for category in found["categories"].values()
        for ref in category["auditRefs"]
        if ref["weight"] and _is_wanting(audit := found["audits"][ref["id"]])
    ]
    said = "   ".join(f"{name} {mark}" for name, mark in marks.items())
    return [f"  {path:<28}{said}   {'   '.join(times)}", *below]


def _is_wanting(audit: Mapping[str, Any]) -> bool:
    return audit["score"] is not None and audit["score"] < _GREEN
