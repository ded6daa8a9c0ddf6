"""The list and a product's page over HTTP, beside bare views that read the same rows."""

from devtools.bench.bare_server import bare_views
from devtools.bench.figures import Comparison
from devtools.bench.visitor import Visitor
from devtools.throwaway import ThrowawayStack
from shop.models import Product

_WARM_UP = 30
_RUNS = 300


def report(stack: ThrowawayStack) -> list[str]:
    """Visit each page and its bare sister in turn, one visitor at a time."""
    product = Product.objects.published().earliest("pk")
    pages = ("/products/", product.get_absolute_url())
    with bare_views(stack.variables) as bare:
        found = [_compare(stack.shop, bare, page) for page in pages]
    return [line for one in found for line in one.lines()]


def _compare(shop: str, bare: str, page: str) -> Comparison:
    ours, floor = [], []
    with Visitor(shop) as visitor, Visitor(bare) as plain:
        for run in range(_WARM_UP + _RUNS):
            full, least = visitor.get(page).expect(200), plain.get(page).expect(200)
            if run >= _WARM_UP:
                ours.append(full.seconds)
                floor.append(least.seconds)
    return Comparison(f"GET {page}", ours, "a bare view that reads the same rows", floor, "≤ 3")
