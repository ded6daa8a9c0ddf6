"""Input that no browser would send, against the running shop: always an answer, never a 500."""

import re
import uuid
from collections.abc import Callable, Generator
from contextlib import closing

import pytest

from tests.browser.visitor import Answer, Visitor
from tests.running_stack import RunningStack
from tests.shop.pages import ADDRESS, Fields, filled_form, parsed, summary, text_of

_TEA = "TEA-THAINGUYEN-100"
_FEW = "LANTERN-HOIAN-35"  # 3 of it
_HOSTILE = {
    "long": "x" * 10_000,
    "markup": "<script>alert(1)</script>",
    "quotes": "\"'`;-- ${{7*7}} {{7*7}} %s \\",
    "emoji": "🏮👩‍👩‍👧‍👦",
    "turned": "\u202ecod.exe",
    "right to left": "שלום עולם",
    "lines": "Lan\r\nBcc: all@example.com",
}
_FIELDS = [*ADDRESS, "phone", "line2", "postal_code", "delivery", "checkout_key", "listed"]


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        ("0", 422, "Enter 1 or more."),
        ("-1", 422, "Enter a whole number"),
        ("", 422, "Enter a whole number"),
        ("two", 422, "Enter a whole number"),
        ("1.5", 422, "Enter a whole number"),
        ("1" + "0" * 30, 422, "Enter a whole number"),
        ("9" * 30, 409, "Only 3 are left."),
        ("\uff12", 422, "Enter a whole number"),
        ("4", 409, "Only 3 are left."),
        ("<b>", 422, "Enter a whole number"),
    ],
)
def test_bad_quantity_is_named_and_kept(
    visitor: Visitor, typed: str, status: int, said: str
) -> None:
    answer = visitor.add(_FEW, typed)
    assert answer.status_code == status
    assert said in text_of(answer)
    kept = filled_form(answer, "/cart/add/")["quantity"]
    assert kept == [typed[:40]]


def test_bad_quantity_in_the_cart_is_named_and_kept(visitor: Visitor) -> None:
    visitor.add(_FEW, "2")
    answer = visitor.send("/cart/update/", {"sku": [_FEW], "quantity": ["40"]})
    assert answer.status_code == 409
    assert "Only 3 are left." in text_of(answer)
    assert filled_form(answer, "/cart/update/")["quantity"] == ["40"]
    answer = visitor.send("/cart/update/", {"sku": [_FEW], "quantity": ["-2"]})
    assert answer.status_code == 422
    assert filled_form(visitor.see("/cart/"), "/cart/update/")["quantity"] == ["2"]


@pytest.mark.parametrize("sku", ["", "UNKNOWN", "\0", "'; DROP TABLE", "x" * 10_000, "🏮"])
@pytest.mark.parametrize("path", ["/cart/add/", "/cart/update/"])
def test_unknown_sku_is_not_found(visitor: Visitor, path: str, sku: str) -> None:
    answer = visitor.send(path, {"sku": [sku], "quantity": ["1"]})
    assert answer.status_code == 404
    assert parsed(answer).find(".//h1") is not None


@pytest.fixture
def publish(shop: RunningStack) -> Generator[Callable[[bool], None]]:
    """Return a function with which staff put the carp print on sale, or withdraw it."""
    change = (
        "from shop.models import Product;"
        "Product.objects.filter(slug='chu-dau-fish-plate').update(is_published={})"
    )

    def publish(is_published: bool) -> None:
        shop.manage("shell", "-v", "0", "-c", change.format(is_published))

    yield publish
    publish(True)


def test_withdrawn_product_in_the_cart_is_named_and_can_be_removed(
    visitor: Visitor, publish: Callable[[bool], None]
) -> None:
    visitor.add(_TEA)
    visitor.add("PLATE-CHUDAU-26")
    form = {**filled_form(visitor.see("/checkout/"), "/checkout/"), **ADDRESS}
    publish(False)
    refused = visitor.send("/checkout/", {**form, "city": ["Huế"]})
    assert refused.status_code == 409
    assert "none left" in summary(refused)
    assert filled_form(refused, "/checkout/")["city"] == ["Huế"]
    assert "This is no longer sold. Please remove it." in text_of(visitor.see("/cart/"))
    visitor.send("/cart/update/", {"sku": ["PLATE-CHUDAU-26"], "quantity": ["0"]})
    assert visitor.check_out().status_code == 303


def test_empty_cart_at_checkout_leads_to_the_cart(visitor: Visitor) -> None:
    for answer in (visitor.see("/checkout/"), visitor.send("/checkout/", ADDRESS)):
        assert (answer.status_code, answer.headers["Location"]) == (303, "/cart/")
    assert "Your cart is empty. Choose something first." in visitor.see("/cart/").text


@pytest.mark.parametrize("field", ADDRESS)
def test_missing_field_is_named_and_the_rest_kept(visitor: Visitor, field: str) -> None:
    visitor.add(_TEA)
    answer = visitor.check_out(**{field: []})
    assert answer.status_code == 422
    assert summary(answer).startswith("There is a problem")
    kept = filled_form(answer, "/checkout/")
    assert all(kept[name] == value for name, value in ADDRESS.items() if name != field)


@pytest.mark.parametrize("kind", _HOSTILE)
def test_hostile_text_in_any_field_is_refused_or_taken_as_text(visitor: Visitor, kind: str) -> None:
    visitor.add(_TEA)
    for field in _FIELDS:
        answer = visitor.check_out(**{field: [_HOSTILE[kind]]})
        assert answer.status_code in {303, 409, 422}, field
        if answer.status_code != 303:
            assert "<script>alert" not in answer.text
            assert summary(answer)


def test_null_character_is_named(visitor: Visitor) -> None:
    visitor.add(_TEA)
    for field in ("email", "full_name", "line1", "city"):
        answer = visitor.check_out(**{field: ["Lan\0"]})
        assert answer.status_code == 422
        assert re.search("Null characters|characters that cannot be seen", answer.text), field


@pytest.mark.parametrize("kind", ["markup", "quotes", "emoji", "right to left"])
def test_unusual_name_is_shown_as_it_was_typed(visitor: Visitor, kind: str) -> None:
    visitor.add(_TEA)
    start = visitor.check_out(full_name=[_HOSTILE[kind]], line1=[_HOSTILE[kind]])
    assert start.status_code == 303
    visitor.see(start.headers["Location"])
    page = visitor.see(_order_address(visitor, start))
    assert text_of(page).count(_HOSTILE[kind]) == 2


def _order_address(visitor: Visitor, start: Answer) -> str:
    """Return the address of a placed order's page: PayPal's way back for those who cancel."""
    paypal = visitor.see(start.headers["Location"]).headers["Location"]
    token = paypal.partition("token=")[2]
    return visitor.see(f"/payments/paypal/cancel/?token={token}").headers["Location"]


@pytest.mark.parametrize("token", ["", "MADE-UP", "MADEUP", "\0", "%00", "x" * 3000, "🏮", "'--"])
@pytest.mark.parametrize("way", ["return", "cancel"])
def test_made_up_paypal_token_is_not_found(visitor: Visitor, way: str, token: str) -> None:
    answer = visitor.see(f"/payments/paypal/{way}/?token={token}")
    assert answer.status_code in {400, 404}
    assert parsed(answer).find(".//h1") is not None


def test_made_up_transaction_is_not_found(visitor: Visitor) -> None:
    assert visitor.see(f"/payments/{uuid.uuid4()}/start/").status_code == 404


def test_someone_elses_order_needs_its_token(visitor: Visitor, shop: RunningStack) -> None:
    visitor.add(_TEA)
    address = _order_address(visitor, visitor.check_out())
    with closing(Visitor(shop.url)) as stranger:
        for wrong in (address[:-2] + "/", address[:-2] + "_/", "/orders/GXXXXXXXXX/x/"):
            assert stranger.see(wrong).status_code == 404
            assert stranger.send(f"{wrong}cancel/", {}).status_code == 404
            assert stranger.see(f"{wrong}?format=json").status_code == 404
        assert stranger.see(address).status_code == 200


def test_someone_elses_checkout_key_is_not_found(visitor: Visitor, shop: RunningStack) -> None:
    key = str(uuid.uuid4())
    visitor.add(_TEA)
    assert visitor.check_out(checkout_key=[key]).status_code == 303
    with closing(Visitor(shop.url)) as stranger:
        stranger.add(_TEA)
        assert stranger.check_out(checkout_key=[key]).status_code == 404
        assert stranger.see(f"/checkout/{key}/").status_code == 404
        assert stranger.see(f"/checkout/{key}/?format=json").status_code == 404


@pytest.mark.parametrize("cookie", ["forged", "eyJpZCI6MX0:1abc:forged", "a:b", "x" * 3900, "é"])
def test_forged_cookie_is_an_empty_cart(visitor: Visitor, cookie: str) -> None:
    visitor.cookies.set("cart", cookie.encode().decode("latin-1"), path="/")
    answer = visitor.see("/cart/")
    assert answer.status_code == 200
    assert "Your cart is empty." in text_of(answer)


@pytest.mark.parametrize("name", ["cart", "messages", "session", "csrf", "language"])
def test_oversized_cookie_is_refused_or_ignored(visitor: Visitor, name: str) -> None:
    for size in (4_000, 20_000, 100_000):
        visitor.cookies.set(name, "x" * size, path="/")
        assert visitor.see("/").status_code in {200, 400, 431}


def test_form_without_its_token_is_explained(visitor: Visitor) -> None:
    answer = visitor.send_bare("/cart/add/", {"sku": [_TEA], "quantity": ["1"]})
    assert answer.status_code == 403
    assert "cookie" in text_of(answer).lower()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/products/?page=zero", 200),
        ("/products/?page=99999999999999999999", 200),
        ("/products/?sort=nonsense", 200),
        ("/products/?q=%00", 200),
        ("/products/?q=" + "x" * 3000, 200),
        ("/products/?q=%27%22%29%3B--%20%26%7C%21%3A%2A", 200),
        ("/products/?q=%ff%fe", 200),
        ("/products/?category=nonsense", 404),
        ("/products/nonsense/", 404),
        ("/products/%00/", 404),
        ("/pages/nonsense/", 404),
        ("/checkout/nonsense/", 404),
        ("/%ff", 404),
    ],
)
def test_any_address_gets_a_page(visitor: Visitor, path: str, status: int) -> None:
    answer = visitor.see(path)
    assert answer.status_code == status
    assert parsed(answer).find(".//h1") is not None


@pytest.mark.parametrize("path", ["/cart/add/", "/cart/update/", "/payments/paypal/webhook/"])
def test_looking_at_what_takes_forms_is_refused(visitor: Visitor, path: str) -> None:
    assert visitor.see(path).status_code == 405


def test_body_beyond_all_measure_is_refused(visitor: Visitor) -> None:
    visitor.add(_TEA)
    large: Fields = {"city": ["x" * 2_000_000]}
    many: Fields = {f"field{n}": ["x"] for n in range(2000)}
    for too_much in (large, many):
        assert visitor.send("/checkout/", {**ADDRESS, **too_much}).status_code == 400
