"""Says under a chapter's title how long its main line takes, and how much longer what lies deeper."""

import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

sys.path.append(str(Path(__file__).parents[1]))
import words

PACE = 120
"""Words a minute: half the pace of a novel, for a text with numbers, formulas and figures to look at."""


def minutes(reading: words.Reading) -> int:
    """How long somebody reads; code, exercises and play not counted."""
    return max(1, round(reading.words / PACE))


class SayHowLong(SphinxPostTransform):
    """One line in each of the numbered chapters."""

    default_priority = 30
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Runs once a page."""
        source = Path(self.env.doc2path(self.env.docname))
        if source not in words.CHAPTERS:
            return
        main, deeper = map(minutes, words.readings(source.read_text(encoding="utf-8")))
        line = f"About {main} minutes, and {deeper} more for what lies deeper."
        title = next(self.document.findall(nodes.title))
        title.parent.insert(1, nodes.paragraph("", line, classes=["reading-time"]))


def setup(app: Any) -> dict[str, bool]:
    """Sphinx calls this once."""
    app.add_post_transform(SayHowLong)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
