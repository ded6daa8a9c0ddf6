"""Pictures in emails: PNGs that mail programs show, small, at addresses that last."""

import struct
from pathlib import Path

import pytest
from django.conf import settings

import shop
from orders.pictures import picture_for_emails

PRODUCTS = Path(shop.__file__).parent / "static" / "shop" / "products"


@pytest.mark.parametrize("picture", sorted(PRODUCTS.glob("*.svg")), ids=lambda path: path.stem)
def test_each_picture_of_the_shop_has_a_small_thumbnail(picture: Path) -> None:
    thumbnail = PRODUCTS / "thumbnails" / f"{picture.stem}.png"
    content = thumbnail.read_bytes()
    assert content.startswith(b"\x89PNG")
    assert struct.unpack(">II", content[16:24]) == (128, 128)
    assert len(content) <= 6 * 1024
    address = picture_for_emails(f"shop/products/{picture.name}")
    assert address == f"{settings.SHOP_URL}/static/shop/products/thumbnails/{thumbnail.name}"


@pytest.mark.parametrize(
    ("picture", "path"),
    [
        ("shop/products/no-such.svg", ""),
        ("", ""),
        ("shop/photo.jpg", "/static/shop/photo.jpg"),
    ],
)
def test_what_mail_programs_cannot_show_is_left_out(picture: str, path: str) -> None:
    assert picture_for_emails(picture) == (settings.SHOP_URL + path if path else "")
