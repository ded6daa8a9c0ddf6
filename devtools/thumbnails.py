"""`python -m devtools.thumbnails`: draw the PNG of each SVG picture, for mail programs.

Mail programs show no SVG. The PNGs are committed; this needs the system's Chromium, and is run when
a picture of the demonstration shop changes.
"""

import base64
import shutil
import struct
import sys
import zlib
from collections import Counter
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from devtools.environment import PROJECT

_PICTURES = PROJECT / "shop" / "static" / "shop" / "products"
_SIDE = 128  # shown at half of it: sharp on a phone
_COLOURS = 64
_READ_PIXELS = """async ([source, side]) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = new OffscreenCanvas(side, side);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0, side, side);
    return Array.from(context.getImageData(0, 0, side, side).data);
}"""

Colour = tuple[int, ...]


def main() -> int:
    """Draw every picture anew; return the exit status."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("Chromium is not installed.", file=sys.stderr)
        return 1
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        for picture in sorted(_PICTURES.glob("*.svg")):
            _thumbnail_of(picture).write_bytes(to_png(_draw(page, picture)))
        browser.close()
    return 0


def _thumbnail_of(picture: Path) -> Path:
    folder = picture.parent / "thumbnails"
    folder.mkdir(exist_ok=True)
    return folder / f"{picture.stem}.png"


def _draw(page: Page, picture: Path) -> list[Colour]:
    source = f"data:image/svg+xml;base64,{base64.b64encode(picture.read_bytes()).decode()}"
    values: list[int] = page.evaluate(_READ_PIXELS, [source, _SIDE])
    return [tuple(values[start : start + 4]) for start in range(0, len(values), 4)]


def to_png(pixels: list[Colour]) -> bytes:
    """Write a square picture with its most frequent colours, every other one as its nearest."""
    palette = [colour for colour, _ in Counter(pixels).most_common(_COLOURS)]
    nearest = {colour: _nearest(colour, palette) for colour in set(pixels)}
    places = bytes(nearest[colour] for colour in pixels)
    rows = b"".join(b"\0" + places[at : at + _SIDE] for at in range(0, len(places), _SIDE))
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", b"".join(bytes(colour[:3]) for colour in palette)),
            _chunk(b"tRNS", bytes(colour[3] for colour in palette)),
            _chunk(b"IDAT", zlib.compress(rows, 9)),
            _chunk(b"IEND", b""),
        ]
    )


def _nearest(colour: Colour, palette: list[Colour]) -> int:
    def distance(place: int) -> int:
        return sum((a - b) ** 2 for a, b in zip(colour, palette[place], strict=True))

    return min(range(len(palette)), key=distance)


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


if __name__ == "__main__":
    sys.exit(main())
