"""Uploaded pictures: drawn anew in several widths, refused when they are none, shown everywhere."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from pytest_django import Settings

from orders.pictures import picture_for_emails
from shop.models import Product, Variant
from shop.pictures import MOST_BYTES, NotAPicture, draw_picture, files_by_width, keep_picture
from tests.factories import VariantFactory, placed_order
from tests.shop.pages import parsed, put_in_cart
from tests.shop.product_forms import filled_product_form, product_page

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_folder(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


def photo(width: int = 900, height: int = 600, form: str = "JPEG", **options: Any) -> bytes:
    written = io.BytesIO()
    mode, colour = options.pop("mode", "RGB"), options.pop("colour", "teal")
    Image.new(mode, (width, height), colour).save(written, form, **options)
    return written.getvalue()


def upload(content: bytes, name: str = "tea.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def png_of(width: int, height: int) -> bytes:
    """Return a small PNG whose head promises more pixels than a computer has memory for."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 100_000)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_drawn_in_every_width_it_has(form: str) -> None:
    drawn = draw_picture(upload(photo(900, 600, form)))
    sizes = {
        name: Image.open(io.BytesIO(content)).size
        for name, content in drawn.files.items()
        if name.endswith("webp")
    }
    assert list(sizes.values()) == [(200, 133), (400, 267), (800, 533), (900, 600)]
    assert list(files_by_width(drawn.name).values()) == list(sizes)
    small = Image.open(io.BytesIO(drawn.files[f"{drawn.name}-email.jpg"]))
    assert (small.format, small.size) == ("JPEG", (128, 128))


def test_a_large_picture_is_made_smaller_and_stands_upright() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was held sideways
    drawn = draw_picture(upload(photo(3000, 2000, exif=turned)))
    assert max(files_by_width(drawn.name)) <= 1600
    largest = Image.open(io.BytesIO(list(drawn.files.values())[-2]))
    assert largest.height > largest.width


def test_nothing_of_the_file_is_kept() -> None:
    where = Image.Exif()
    where[0x010E] = "12 Hàng Gai"
    hidden = photo(exif=where) + b"<script>alert(1)</script>"
    for content in draw_picture(upload(hidden)).files.values():
        assert b"script" not in content
        assert not Image.open(io.BytesIO(content)).getexif()


def test_what_shines_through_stays_so_and_is_white_in_emails() -> None:
    drawn = draw_picture(upload(photo(300, 300, "PNG", mode="RGBA", colour=(0, 99, 99, 99))))
    modes = [Image.open(io.BytesIO(content)).mode for content in drawn.files.values()]
    assert modes == ["RGBA", "RGBA", "RGB"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "no JPEG"),
        (b"GIF89a<script>alert(1)</script>", "no JPEG"),
        (b"", "no JPEG"),
        (photo()[:800], "no JPEG"),
        (photo(form="GIF"), "no JPEG"),
        (photo(form="TIFF"), "no JPEG"),
        (png_of(60_000, 60_000), "no JPEG"),
        (png_of(6_000, 6_000), "30 million pixels"),
        (photo(199, 900), "200 pixels"),
        (photo() + b"\0" * MOST_BYTES, "10 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_picture_is_refused_with_the_reason(content: bytes, told: str) -> None:
    with pytest.raises(NotAPicture, match=told):
        draw_picture(upload(content))


def with_picture(variant: Variant) -> str:
    drawn = draw_picture(upload(photo()))
    keep_picture(drawn)
    variant.product.pictures.create(name=drawn.name, alt_en="A tin of tea")
    Product.objects.filter(pk=variant.product.pk).update(picture=drawn.name)
    return drawn.name


def test_shoppers_choose_the_width_they_need(client: Client) -> None:
    variant = VariantFactory.create()
    with_picture(variant)
    page = client.get(variant.product.get_absolute_url())
    image = next(one for one in parsed(page).iter("img") if one.get("srcset"))
    assert image.get("alt") == "A tin of tea"
    for source in image.get("srcset", "").split(", "):
        address, width = source.split()
        answer = client.get(address)
        content = b"".join(answer)
        assert Image.open(io.BytesIO(content)).width == int(width.removesuffix("w"))
        assert "immutable" in answer["Cache-Control"]
        assert answer["Content-Type"] == "image/webp"
    assert "srcset" in client.get("/products/").text


def test_an_order_keeps_the_picture_it_was_placed_with(client: Client) -> None:
    variant = VariantFactory.create()
    name = with_picture(variant)
    put_in_cart(client, variant)
    assert name in client.get("/cart/").text
    order = placed_order(variant)
    address = picture_for_emails(order.lines.get().picture)
    assert address.endswith(f"/media/{name}-email.jpg")
    variant.product.pictures.all().delete()
    assert b"".join(client.get(address)).startswith(b"\xff\xd8")
    assert name in client.get(order.get_absolute_url()).text


@pytest.mark.parametrize("name", ["../settings.py", "tea.svg", "0" * 20 + "-900x600-400.webp"])
def test_no_other_file_is_served(client: Client, name: str) -> None:
    assert client.get(f"/media/pictures/{name}").status_code == 404


def test_staff_upload_pictures_and_the_first_stands_for_the_product(admin_client: Client) -> None:
    product = VariantFactory.create().product
    form = filled_product_form(admin_client, product)
    form |= {"pictures-TOTAL_FORMS": "2"}
    for number, content in enumerate((photo(), photo(500, 500))):
        form |= {f"pictures-{number}-position": str(1 - number)}
        form |= {f"pictures-{number}-file": upload(content)}
    answer = admin_client.post(product_page(product), form)
    assert answer.status_code == 302, answer.context["errors"]
    product.refresh_from_db()
    assert "500x500" in product.picture
    assert all(default_storage.exists(name) for name in files_by_width(product.picture).values())
    assert b"picture-preview" in admin_client.get(product_page(product)).content


def test_a_file_that_is_no_picture_is_refused_beside_its_field(admin_client: Client) -> None:
    product = VariantFactory.create().product
    form = filled_product_form(admin_client, product)
    form |= {"pictures-TOTAL_FORMS": "1", "pictures-0-position": "0"}
    form |= {"pictures-0-file": upload(b"<svg onload=alert(1)>", "tea.svg")}
    answer = admin_client.post(product_page(product), form)
    assert "This is no JPEG, PNG or WebP picture" in answer.text
    assert not product.pictures.exists()
