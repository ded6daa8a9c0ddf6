"""Pictures that staff upload: looked at, taken apart and drawn anew in several widths.

Nothing of the file itself is kept: what it hid (a place, a script, a second file) ends here. A
picture is known by its name, `pictures/<digest>-<width>x<height>`, which never means another one,
so that orders may remember it and browsers keep it for good.
"""

import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from orders.pictures import SUFFIX_FOR_EMAILS, UPLOADED

MOST_BYTES = 10_000_000
MOST_PIXELS = 30_000_000
WIDTHS = (200, 400, 800, 1600)
ACCEPTED = ("JPEG", "PNG", "WEBP")
_LEAST_SIDE = 200
_EMAIL_SIDE = 128  # shown at half of it: sharp on a phone
_QUALITY = 80
_NAME = re.compile(rf"\A{UPLOADED}[0-9a-f]{{20}}-([0-9]{{2,4}})x[0-9]{{2,5}}\Z")
FILE_NAME = r"[0-9a-f]{20}-[0-9]{2,4}x[0-9]{2,5}-(?:[0-9]{2,4}\.webp|email\.jpg)"
_NOT_READ = (
    OSError,  # unknown, cut short, broken
    SyntaxError,
    ValueError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


class NotAPicture(Exception):
    """The file cannot be shown; the message says why."""


@dataclass(frozen=True)
class DrawnPicture:
    """A picture's name, and its files by theirs."""

    name: str
    files: Mapping[str, bytes]


def draw_picture(file: "UploadedFile[bytes]") -> DrawnPicture:
    """Draw the uploaded picture in every width, and small for emails. Raises NotAPicture."""
    if (file.size or 0) > MOST_BYTES:
        raise NotAPicture(_("The file is larger than 10 MB."))
    content = file.read(MOST_BYTES + 1)
    try:
        image = _read(content)
    except _NOT_READ as error:
        raise NotAPicture(_("This is no JPEG, PNG or WebP picture, or it is broken.")) from error
    if min(image.size) < _LEAST_SIDE:
        raise NotAPicture(_("Each side must have 200 pixels or more."))
    image.thumbnail((WIDTHS[-1], WIDTHS[-1] * 2))
    digest = hashlib.sha256(content).hexdigest()[:20]
    name = f"{UPLOADED}{digest}-{image.width}x{image.height}"
    return DrawnPicture(name, dict(_files(name, image)))


def keep_picture(picture: DrawnPicture) -> None:
    """Put its files where the shop shows them from; the same picture again changes nothing."""
    for name, content in picture.files.items():
        if not default_storage.exists(name):
            default_storage.save(name, ContentFile(content))


def files_by_width(picture: str) -> dict[int, str]:
    """Return the files of an uploaded picture by their widths; none of a static one."""
    found = _NAME.match(picture)
    if found is None:
        return {}
    return {width: f"{picture}-{width}.webp" for width in _widths(int(found[1]))}


def _read(content: bytes) -> Image.Image:
    with Image.open(io.BytesIO(content), formats=ACCEPTED) as image:
        if image.width * image.height > MOST_PIXELS:  # the head says so: nothing is unpacked yet
            raise NotAPicture(_("The picture has more than 30 million pixels."))
        image.draft("RGB", (WIDTHS[-1], WIDTHS[-1]))  # a JPEG is unpacked no larger than needed
        upright = ImageOps.exif_transpose(image)
        has_alpha = "A" in upright.getbands() or "transparency" in upright.info
        return upright.convert("RGBA" if has_alpha else "RGB")


def _files(name: str, image: Image.Image) -> Iterator[tuple[str, bytes]]:
    for width in _widths(image.width):
        height = max(1, round(image.height * width / image.width))
        small = image.resize((width, height), Image.Resampling.LANCZOS)
        yield f"{name}-{width}.webp", _written(small, "WEBP", method=4)
    square = ImageOps.fit(image, (_EMAIL_SIDE, _EMAIL_SIDE), Image.Resampling.LANCZOS)
    ground = Image.new("RGB", square.size, "white")  # mail programs know no WebP, a JPEG no alpha
    ground.paste(square, mask=square if square.mode == "RGBA" else None)
    yield f"{name}{SUFFIX_FOR_EMAILS}", _written(ground, "JPEG", optimize=True)


def _widths(most: int) -> list[int]:
    return [*(width for width in WIDTHS if width < most), most]


def _written(image: Image.Image, form: str, **options: int | bool) -> bytes:
    written = io.BytesIO()
    image.save(written, form, quality=_QUALITY, **options)
    return written.getvalue()
