"""Leaves in the theme's fonts of icons those icons that the book shows: a page weighs a quarter less."""

import re
from pathlib import Path
from typing import Any

from fontTools import subset

GLYPH = re.compile(r'([^{}]*)\{[^{}]*content:"\\(f[0-9a-f]{3}|[0-9a-f]{2})"')
"""A rule of a style that shows a character: its selectors, and the character's number."""


def shown(out: Path) -> set[int]:
    """The characters of every icon that a page names, or that a style of the theme shows by itself."""
    pages = " ".join(path.read_text(encoding="utf-8") for path in out.rglob("*.html"))
    named = set(re.findall(r"fa-[a-z0-9-]+", pages))
    found = set()
    for sheet in (out / "_static").rglob("*.css"):
        for selectors, number in GLYPH.findall(sheet.read_text(encoding="utf-8")):
            icons = set(re.findall(r"\.(fa-[a-z0-9-]+)", selectors))
            if not icons or icons & named:
                found.add(int(number, 16))
    return found


def thin_out(app: Any, exception: Exception | None) -> None:
    """Writes each font again with these characters alone."""
    if exception or app.builder.format != "html":
        return
    characters = shown(Path(app.outdir))
    options = subset.Options(flavor="woff2", notdef_outline=True)
    for path in (Path(app.outdir) / "_static").rglob("fontawesome/**/*.woff2"):
        font = subset.load_font(str(path), options)
        thin = subset.Subsetter(options)
        thin.populate(unicodes=characters)
        thin.subset(font)
        subset.save_font(font, str(path), options)


def setup(app: Any) -> dict[str, bool]:
    """Sphinx calls this once."""
    app.connect("build-finished", thin_out, priority=850)  # after the pages have their last form but one
    return {"parallel_read_safe": True, "parallel_write_safe": True}
