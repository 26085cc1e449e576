"""Draws the README's pictures of the page: `python docs/make_page_pictures.py STREETS PORTRAITS TILES`.

Each argument is the folder of an exported model (`triptych export`), trained on the made-up data of its task. The
images are made up too, with another seed than the default one. It needs Chromium.
"""

import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from triptych.exported import ExportedFolder
from triptych.serve.page import page_html
from triptych.synthetic import make_portraits, make_streets, make_tiles

PICTURES = Path(__file__).parent / "pictures"
SEED = 7
SECONDS = 60_000
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1200, "height": 850}}


def main() -> None:
    """Opens the page of each model, gives it an image, and saves what it shows."""
    streets, portraits, tiles = map(ExportedFolder, sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        root = Path(folder)
        street = make_streets(root / "streets", num_frames=8, image_size=(360, 480), seed=SEED) / "images"
        page = opened(browser, root, streets, first(street), DESKTOP)
        correct(page)
        save("page_mask", [page.screenshot()])
        face = make_portraits(root / "portraits", num_persons=2, frames_per_person=2, seed=SEED)
        tile = make_tiles(root / "tiles", num_tiles=8, image_size=(256, 256), seed=SEED) / "train-jpg"
        pages = [
            opened(browser, root, portraits, first(face), {**PHONE, "color_scheme": "dark"}),
            opened(browser, root, tiles, first(tile), PHONE),
            opened(browser, root, streets, first(street), {**PHONE, "color_scheme": "dark"}),
        ]
        save("page_phone", [page.screenshot() for page in pages])
        browser.close()


def opened(browser: Browser, root: Path, model: ExportedFolder, image: Path, look: dict[str, Any]) -> Page:
    """The page of a model, with the answer for an image."""
    path = root / "page.html"
    path.write_text(page_html(model, offline=True, corrections=True), encoding="utf-8")
    page = browser.new_page(**look)
    page.goto(path.as_uri())
    page.locator("#file").set_input_files(image)
    page.locator("#wrong:enabled").wait_for(timeout=SECONDS)
    return page


def correct(page: Page) -> None:
    """Begins to paint on a mask."""
    page.locator("#wrong").click()
    page.get_by_label("Car").check()
    box = page.locator("#frame").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.58 * box["width"], box["y"] + 0.66 * box["height"])


def first(folder: Path) -> Path:
    """The first image below a folder."""
    return next(path for path in sorted(folder.rglob("*")) if path.suffix in (".jpg", ".png"))


def save(name: str, shots: list[bytes]) -> None:
    """Saves screenshots side by side, in 256 colours."""
    images = [Image.open(io.BytesIO(shot)).convert("RGB") for shot in shots]
    gap = 24
    sheet = Image.new("RGB", (sum(one.width + gap for one in images) - gap, images[0].height), "white")
    for index, one in enumerate(images):
        sheet.paste(one, (index * (one.width + gap), 0))
    sheet.quantize(256, dither=Image.Dither.NONE).save(PICTURES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
