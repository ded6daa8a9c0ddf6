"""`python -m devtools.thumbnails`: draw the PNGs of each SVG picture.

A small one for mail programs, a card for links shared elsewhere, and the shop's own card: neither
shows SVG. The PNGs are committed; this needs the system's Chromium, and is run when a picture of
the demonstration shop changes.
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

_STATIC = PROJECT / "shop" / "static" / "shop"
_PICTURES = _STATIC / "products"
_SIDES = {"thumbnails": 128, "cards": 600}  # by folder; a thumbnail is shown at half of it
_CARD_WIDTH, _CARD_HEIGHT = 1200, 630
_CARD_STYLE = """
    body { margin: 0; height: 630px; background: #faf7f2; color: #1d2a26; overflow: hidden;
           display: grid; grid-template-columns: 1fr 1fr; align-items: center }
    div { padding: 72px; font: 500 56px/1.1 serif; letter-spacing: -1px }
    b { display: block; color: #0b6b57; font-size: 96px; margin-bottom: 24px }
    p { display: grid; grid-template-columns: 1fr 1fr; gap: 20px; margin: 0; padding: 0 40px }
    img { width: 100%; display: block; border-radius: 24px }
"""
_ON_CARD = ("da-lat-coffee", "bat-trang-rice-bowl", "van-phuc-silk-scarf", "hoi-an-silk-lantern")
_COLOURS = 64
_READ_PIXELS = """async ([source, width, height]) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0, width, height);
    const reader = new FileReader();
    reader.readAsDataURL(new Blob([context.getImageData(0, 0, width, height).data]));
    await new Promise((done) => reader.onload = done);
    return reader.result.split(",")[1];
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
        page = browser.new_page(viewport={"width": _CARD_WIDTH, "height": _CARD_HEIGHT})
        for picture in sorted(_PICTURES.glob("*.svg")):
            for folder, side in _SIDES.items():
                _write(_PICTURES / folder / f"{picture.stem}.png", page, _source(picture), side)
        card = _STATIC / "cards" / "shop.png"
        _write(card, page, _shop_card(page), _CARD_WIDTH, _CARD_HEIGHT)
        browser.close()
    return 0


def _write(target: Path, page: Page, source: str, width: int, height: int | None = None) -> None:
    target.parent.mkdir(exist_ok=True)
    values = base64.b64decode(page.evaluate(_READ_PIXELS, [source, width, height or width]))
    pixels = [tuple(values[start : start + 4]) for start in range(0, len(values), 4)]
    target.write_bytes(to_png(pixels, width))


def _source(picture: Path) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(picture.read_bytes()).decode()}"


def _shop_card(page: Page) -> str:
    """Lay out the shop's own card and return its picture."""
    images = "".join(f'<img src="{_source(_PICTURES / f"{one}.svg")}">' for one in _ON_CARD)
    page.set_content(
        f"<style>{_CARD_STYLE}</style><div><b>Gánh</b>Things carried from Vietnam</div><p>{images}"
    )
    return f"data:image/png;base64,{base64.b64encode(page.screenshot()).decode()}"


def to_png(pixels: list[Colour], width: int) -> bytes:
    """Write a picture with its most frequent colours, every other one as its nearest."""
    palette = [colour for colour, _ in Counter(pixels).most_common(_COLOURS)]
    nearest = {colour: _nearest(colour, palette) for colour in set(pixels)}
    places = bytes(nearest[colour] for colour in pixels)
    rows = b"".join(b"\0" + places[at : at + width] for at in range(0, len(places), width))
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, len(pixels) // width, 8, 3, 0, 0, 0)),
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
