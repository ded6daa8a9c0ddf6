"""The picture of an order's line as an email can show it."""

from functools import cache
from pathlib import PurePosixPath

from django.conf import settings
from django.contrib.staticfiles import finders

UPLOADED = "pictures/"  # what a picture's name begins with that staff uploaded
SUFFIX_FOR_EMAILS = "-email.jpg"


def picture_for_emails(picture: str) -> str:
    """Return the absolute address of the picture in a form that mail programs show; "" for none."""
    if picture.startswith(UPLOADED):
        return f"{settings.SHOP_URL}{settings.MEDIA_URL}{picture}{SUFFIX_FOR_EMAILS}"
    return _static_picture(picture)


@cache
def _static_picture(picture: str) -> str:
    """Return the address of a static picture, or of its thumbnail where it is an SVG.

    Mail programs show no SVG: without a thumbnail there is no picture. The plain file is linked,
    not the one named after its content: an email is read long after the next release.
    """
    name = picture
    if picture.endswith(".svg"):
        path = PurePosixPath(picture)
        name = str(path.parent / "thumbnails" / f"{path.stem}.png")
        if finders.find(name) is None:
            return ""
    return f"{settings.SHOP_URL}/{settings.STATIC_URL.strip('/')}/{name}" if name else ""
