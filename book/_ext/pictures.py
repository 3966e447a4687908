"""Pictures that a telephone can show, and that load soon.

Each kernel of a build draws wide figures twice (`stacking.py`): as the cell says, and narrow, with the panels below
each other. A browser chooses by the width of its window, with no script. What is wide and has no such copy is marked,
and scrolls on a narrow screen.
"""

import os
import re
import shutil
from pathlib import Path
from typing import Any

from PIL import Image

WIDE = 800  # pixels
PICTURE = re.compile(r'<img(?=[^>]*\ssrc="((?:\.\./)*_images/)([^"]+)\.png")[^>]*>')
STARTUP = "import sys; sys.path.append({here!r}); import stacking; del sys\n"


def draw_twice(app: Any) -> None:
    """Lets every kernel that starts from now on begin with `stacking.py`."""
    work = Path(app.outdir).parent
    startup = work / "ipython" / "profile_default" / "startup" / "begin.py"
    startup.parent.mkdir(parents=True, exist_ok=True)
    startup.write_text(STARTUP.format(here=str(Path(__file__).parent)), encoding="utf-8")
    os.environ["IPYTHONDIR"], os.environ["NARROW_FIGURES"] = str(work / "ipython"), str(work / "narrow")


def pair(tag: re.Match[str], images: Path) -> str:
    """A picture's tag with the one for narrow screens, or marked, if it is wide and there is none."""
    folder, name = tag[1], tag[2]
    if (images / f"{name}-narrow.png").exists():
        narrow = f'<source media="(max-width: 600px)" srcset="{folder}{name}-narrow.png">'
        return f"<picture>{narrow}{tag[0]}</picture>"
    with Image.open(images / f"{name}.png") as picture:
        return tag[0].replace("<img", "<img data-wide", 1) if picture.width > WIDE else tag[0]


def finish(app: Any, exception: Exception | None) -> None:
    """Pairs the pictures of a finished build, and makes the large ones smaller."""
    if exception or app.builder.format != "html":
        return
    images, drawn = Path(app.outdir) / "_images", Path(app.outdir).parent / "narrow"
    for path in drawn.glob("*.png"):
        if (images / path.name).exists():
            shutil.copy(path, images / f"{path.stem}-narrow.png")
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        if "_images/" in text and "<picture>" not in text and "data-wide" not in text:
            page.write_text(PICTURE.sub(lambda tag: pair(tag, images), text), encoding="utf-8")
    for path in images.glob("*.png"):
        if path.stat().st_size > 50_000:  # 256 colours are plenty for a chart, and a third of the bytes
            with Image.open(path) as picture:
                picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def setup(app: Any) -> dict[str, bool]:
    """Sphinx calls this once."""
    app.connect("builder-inited", draw_twice)
    app.connect("build-finished", finish, priority=800)  # before strict_pages, the last hand
    return {"parallel_read_safe": True, "parallel_write_safe": True}
