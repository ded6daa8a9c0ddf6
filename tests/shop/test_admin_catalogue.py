"""Staff keep the catalogue: prices are remembered, products published, files brought in."""

import csv
import io
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client

from inventory.models import MovementKind, Stock, StockMovement
from shop.admin.importing import MOST_BYTES
from shop.models import PriceChange, Product, Variant
from shop.price_history import sign_prices
from tests.factories import CategoryFactory, VariantFactory, placed_order
from tests.shop.product_forms import filled_product_form, product_page

pytestmark = pytest.mark.django_db
PRODUCTS, VARIANTS = "/admin/shop/product/", "/admin/shop/variant/"
STOCK = "/admin/inventory/stock/"
_CSV, _XLSX = "0", "1"


def prices(variant: Variant) -> list[tuple[Any, ...]]:
    found = PriceChange.objects.filter(variant=variant).order_by("pk")
    return list(found.values_list("old", "new", "by"))


def test_a_new_price_is_remembered_with_who_set_it(admin_client: Client) -> None:
    variant = VariantFactory.create(price=Decimal("12.50"))
    form = filled_product_form(admin_client, variant.product)
    admin_client.post(product_page(variant.product), form)  # the same again: no news
    admin_client.post(product_page(variant.product), form | {"variants-0-price": "13.00"})
    assert prices(variant)[1:] == [(Decimal("12.50"), Decimal("13.00"), "admin")]
    assert "12.50 → 13.00 · admin" in admin_client.get(product_page(variant.product)).text


def test_whatever_changes_a_price_is_remembered() -> None:
    variant = VariantFactory.create(price=Decimal("12.50"))
    with transaction.atomic():
        sign_prices("Lan")
        Variant.objects.update(price=Decimal("9.00"))
    Variant.objects.update(position=3)
    assert prices(variant)[0][:2] == (None, Decimal("12.50"))
    assert prices(variant)[1:] == [(Decimal("12.50"), Decimal("9.00"), "Lan")]


def test_the_history_of_prices_is_never_altered() -> None:
    VariantFactory.create()
    for statement in ("UPDATE shop_pricechange SET new = 1", "DELETE FROM shop_pricechange"):
        with (
            pytest.raises(DatabaseError, match="Cannot"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


@pytest.mark.parametrize("is_published", [True, False])
def test_products_are_published_and_withdrawn(admin_client: Client, is_published: bool) -> None:
    product = VariantFactory.create(product__is_published=not is_published).product
    name = "publish" if is_published else "withdraw"
    chosen = {"action": name, "_selected_action": str(product.pk)}
    page = admin_client.post(PRODUCTS, chosen, follow=True)
    assert "Done: it is" in page.text
    product.refresh_from_db()
    assert product.is_published == is_published


def test_what_came_in_is_put_on_the_shelf(admin_client: Client) -> None:
    variant = VariantFactory.create(stock=4)
    placed_order((variant, 3))
    page = f"{STOCK}{variant.sku}/change/"
    inline = admin_client.get(page).context["inline_admin_formsets"][0].formset.prefix
    form = {f"{inline}-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
    form |= {"low_stock_threshold": "5", "received": "20"}
    both = admin_client.post(page, form | {"counted": "9"})
    assert "not both" in both.text
    admin_client.post(page, form)
    last = StockMovement.objects.latest("pk")
    assert (last.kind, last.on_hand_change, last.by) == (MovementKind.RESTOCK, 20, "admin")
    stock = Stock.objects.get(sku=variant.sku)
    assert (stock.on_hand, stock.held) == (24, 3)


# --- Files


def send(client: Client, page: str, content: bytes, *, kind: str = _CSV) -> Any:
    """Send a file as staff do: look at what it would do, then confirm, where that is offered."""
    file = SimpleUploadedFile("rows.csv" if kind == _CSV else "rows.xlsx", content)
    shown = client.post(f"{page}import/", {"import_file": file, "format": kind, "resource": "0"})
    confirm = shown.context.get("confirm_form") if shown.context else None
    if confirm is None:
        return shown
    return client.post(f"{page}process_import/", confirm.initial, follow=True)


def exported(client: Client, page: str, *, kind: str = _CSV) -> bytes:
    return client.post(f"{page}export/", {"format": kind, "resource": "0"}).content


@pytest.mark.parametrize("kind", [_CSV, _XLSX])
def test_what_was_exported_comes_in_again_and_changes_nothing(
    admin_client: Client, kind: str
) -> None:
    variant = VariantFactory.create(product__name_en="=1+1", product__summary_en="'quoted'")
    before = list(Product.objects.values()), list(Variant.objects.values())
    for page in (PRODUCTS, VARIANTS, STOCK):
        content = exported(admin_client, page, kind=kind)
        answer = send(admin_client, page, content, kind=kind)
        assert answer.status_code == 200
        assert "Import finished" in answer.text, answer.text
    assert (list(Product.objects.values()), list(Variant.objects.values())) == before
    assert PriceChange.objects.filter(variant=variant).count() == 1


def test_products_and_prices_come_in_from_files(admin_client: Client) -> None:
    CategoryFactory.create(slug="tea")
    products = "slug,category,name_en,name_vi\nmint-tea,tea,Mint tea,Trà bạc hà\n"
    variants = "sku,product,price\nMINT-1,mint-tea,7.50\n"
    send(admin_client, PRODUCTS, products.encode())
    send(admin_client, VARIANTS, b"\xef\xbb\xbf" + variants.encode())
    variant = Variant.objects.get(sku="MINT-1")
    assert (variant.product.name_vi, variant.price) == ("Trà bạc hà", Decimal("7.50"))
    assert Stock.objects.get(sku="MINT-1").on_hand == 0
    assert prices(variant) == [(None, Decimal("7.50"), "admin")]


def test_stock_from_a_file_is_a_stocktake_of_each_row(admin_client: Client) -> None:
    first, second = VariantFactory.create(stock=4), VariantFactory.create(stock=4)
    rows = f"sku,on_hand,low_stock_threshold\n{first.sku},9,2\n{second.sku},4,1\n"
    send(admin_client, STOCK, rows.encode())
    found = Stock.objects.order_by("sku").values_list("on_hand", "low_stock_threshold")
    assert list(found) == [(9, 2), (4, 1)]
    counted = StockMovement.objects.filter(by="admin")
    assert [(one.stock_id, one.on_hand_change) for one in counted] == [(first.sku, 5)]


def test_a_stocktake_below_what_is_held_changes_nothing_at_all(admin_client: Client) -> None:
    free, held = VariantFactory.create(stock=4), VariantFactory.create(stock=4)
    order = placed_order((held, 3))
    answer = send(admin_client, STOCK, f"sku,on_hand\n{free.sku},9\n{held.sku},2\n".encode())
    assert order.number in answer.text
    assert set(Stock.objects.values_list("on_hand", flat=True)) == {4}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("sku;on_hand\nA;1\n", "The columns may be these"),
        ("sku,on_hand,price\nA,1,2\n", "The columns may be these"),
        ("", "The submitted file is empty."),
        ("sku,on_hand\nTEA,1\n".encode("utf-16"), "not UTF-8"),
        ("sku,on_hand\ntrà,1\n".encode("latin-1"), "not UTF-8"),
        ("sku,on_hand\n" + "TEA,1\n" * 100_000, "At most 5000 rows"),
        (b"sku\n" + b"A" * MOST_BYTES, "3 MB"),
        ("sku,on_hand\nNO-SUCH,1\n", "There is no such SKU."),
        ("sku,on_hand\nTEA-1,-4\n", "Enter a whole number."),
        ("sku,on_hand\nTEA-1,4.5\n", "Enter a whole number."),
        ("sku,on_hand\nTEA-1,=1+1\n", "Enter a whole number."),
        ("sku,on_hand\nTEA-1,99999999999\n", "Enter a whole number."),
    ],
    ids=range(12),
)
def test_a_wrong_file_changes_nothing_and_is_answered_clearly(
    admin_client: Client, content: str | bytes, told: str
) -> None:
    VariantFactory.create(sku="TEA-1", stock=4)
    raw = content.encode() if isinstance(content, str) else content
    answer = send(admin_client, STOCK, raw)
    assert answer.status_code == 200
    assert told in answer.text
    assert Stock.objects.get().on_hand == 4


def test_a_file_that_is_no_workbook_is_refused(admin_client: Client) -> None:
    VariantFactory.create(sku="TEA-1", stock=4)
    answer = send(admin_client, STOCK, b"PK no workbook", kind=_XLSX)
    assert "cannot be read" in answer.text


@pytest.mark.parametrize("price", ["0", "-1", "abc", "=1+1", "12.345", "99999999999"])
def test_a_price_that_is_none_is_refused(admin_client: Client, price: str) -> None:
    variant = VariantFactory.create(price=Decimal("12.50"))
    rows = f"sku,price\n{variant.sku},{price}\n"
    answer = send(admin_client, VARIANTS, rows.encode())
    assert "Import finished" not in answer.text
    variant.refresh_from_db()
    assert variant.price == Decimal("12.50")


@pytest.mark.parametrize(
    "name", ["=HYPERLINK(1)", "<script>alert(1)</script>", "Trà\x00 sen", "x" * 400]
)
def test_hostile_names_do_no_harm(admin_client: Client, client: Client, name: str) -> None:
    product = VariantFactory.create().product
    form = filled_product_form(admin_client, product) | {"name_en": name}
    answer = admin_client.post(product_page(product), form)
    assert answer.status_code in {200, 302}
    for page in (product.get_absolute_url(), "/products/", PRODUCTS, product_page(product)):
        assert "<script>alert" not in admin_client.get(page).text
    row = next(csv.DictReader(io.StringIO(exported(admin_client, PRODUCTS).decode())))
    assert not row["name_en"].startswith("=")
    sheet = openpyxl.load_workbook(io.BytesIO(exported(admin_client, PRODUCTS, kind=_XLSX))).active
    assert all(cell.data_type != "f" for line in sheet.iter_rows() for cell in line)
