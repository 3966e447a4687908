"""Films a figure of the built book, for the README: _static/first_figure.gif.

python book/film.py  # needs Debian's chromium, as the tests do

The page's clock is the film's: it goes on by as much as a frame lasts, however long the picture takes. What a hand does
is a walk of steps; a ring shows where.
"""

import io
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, FloatRect, Locator, Page, sync_playwright

from safegrid.files.atomic import atomic_path

BOOK = Path(__file__).parent
BUILT = BOOK.parent / "_build" / "html"
FRAME, PACE = 60, 2  # milliseconds of a frame, and how much faster than life they go by
PAGE, PARTS = "book/intro.html", ".sg-bar, .sg-said, .sg-pair"
WIDTH, BLUE = 800, (0, 114, 178)

Step = tuple[Locator, Callable[[Locator], None], int]
"""What is touched, how, and for how many milliseconds of the page's time one looks on."""
Shot = tuple[Image.Image, int]
"""A picture, and for how many milliseconds it stays."""


def walk(figure: Locator) -> list[Step]:
    """What happens in the film: the buttons of the story, one after the other, each of which lets twenty drive."""
    return [(figure.get_by_role("button", name=mark, exact=True), Locator.click, 9_000) for mark in ("0", "6", "200")]


def whole(parts: list[Locator]) -> FloatRect:
    """The rectangle around these parts of a page, and a little more."""
    boxes = [box for part in parts if (box := part.bounding_box())]
    left, top = (min(box[side] for box in boxes) - 8 for side in ("x", "y"))
    right = max(box["x"] + box["width"] for box in boxes) + 8
    bottom = max(box["y"] + box["height"] for box in boxes) + 8
    return {"x": left, "y": top, "width": right - left, "height": bottom - top}


def picture(page: Page, area: FloatRect, touched: FloatRect | None) -> Image.Image:
    """The page within an area, with a ring around what a hand touches."""
    shot = Image.open(io.BytesIO(page.screenshot(clip=area, animations="disabled"))).convert("RGB")
    if touched:
        x, y = touched["x"] - area["x"], touched["y"] - area["y"]
        box = (x - 4, y - 4, x + touched["width"] + 4, y + touched["height"] + 4)
        ImageDraw.Draw(shot).rounded_rectangle(box, 8, outline=BLUE, width=3)
    return shot


def shots(page: Page, parts: list[Locator], steps: list[Step]) -> Iterator[Shot]:
    """Each picture that differs from the one before. Where the figure moves on the page, the camera follows."""
    size = whole(parts)
    for place, act, length in steps:
        act(place)
        shown, lasted = None, 0
        for t in range(0, length, FRAME * PACE):
            corner = whole(parts)
            area = size | {"x": corner["x"], "y": corner["y"]}
            new = picture(page, area, place.bounding_box() if t < 600 else None)
            if shown and new.tobytes() != shown.tobytes():
                yield shown, lasted
                lasted = 0
            shown, lasted = new, lasted + FRAME
            page.clock.run_for(FRAME * PACE)
        yield shown, lasted


def film(browser: Browser, path: str, walk: Callable[[Locator], list[Step]], parts: str) -> list[Shot]:
    """Opens a page of the built book from its file, and films these parts of its first figure along a walk."""
    page = browser.new_page(viewport={"width": WIDTH, "height": 2_000}, color_scheme="light")
    page.clock.install(time=0)
    page.goto((BUILT / path).as_uri())
    figure = page.locator(".safegrid").first
    figure.locator(".sg-sentence:not(:empty)").wait_for()
    page.clock.pause_at(60_000)  # from here on the film turns it
    steps = walk(figure)
    taken = list(shots(page, figure.locator(parts).all(), steps))
    page.close()
    return taken


def save(taken: list[Shot], path: Path) -> None:
    """One GIF that goes round and round, in the colours of its own frames."""
    pictures, lengths = zip(*taken, strict=True)
    sample = Image.new("RGB", (pictures[0].width, 8 * pictures[0].height))
    for i in range(8):
        sample.paste(pictures[i * len(pictures) // 8], (0, i * pictures[0].height))
    colours = sample.quantize(256)
    first, *others = (one.quantize(palette=colours, dither=Image.Dither.NONE) for one in pictures)
    with atomic_path(path) as unfinished:
        first.save(unfinished, "GIF", save_all=True, append_images=others, duration=list(lengths), loop=0)


if __name__ == "__main__":
    if not (BUILT / PAGE).exists():
        sys.exit(f"{BUILT / PAGE} is missing: build the book first, as the README says")
    with sync_playwright() as play, play.chromium.launch(executable_path=shutil.which("chromium")) as chromium:
        save(film(chromium, PAGE, walk, PARTS), BOOK / "_static" / "first_figure.gif")
