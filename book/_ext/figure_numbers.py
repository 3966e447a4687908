"""Figures are numbered by chapter: the second of chapter 05 is Figure 5.2, on a page without a number Figure 2."""

import re
from typing import Any


def number_by_chapter(app: Any, env: Any) -> list[str]:
    """Rewrites the numbers that Sphinx gave from the book's first page to its last."""
    for docname, kinds in env.toc_fignumbers.items():
        chapter = re.match(r"(\d+)_", docname.rpartition("/")[2])
        of_chapter = (int(chapter[1]),) if chapter else ()
        kinds["figure"] = {name: (*of_chapter, i) for i, name in enumerate(kinds.get("figure", {}), 1)}
    return []


def setup(app: Any) -> dict[str, bool]:
    """Sphinx calls this once."""
    app.connect("env-get-updated", number_by_chapter, priority=900)  # after Sphinx's own
    return {"parallel_read_safe": True, "parallel_write_safe": True}
