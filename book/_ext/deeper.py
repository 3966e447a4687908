"""What lies deeper is folded: each section under a heading "Deeper" opens at its own heading.

The sections stay sections, so that links, search and the page's contents lead to them; a browser opens what a link or
its own search leads into. In notebooks they stand open.
"""

from typing import Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform


class Fold(SphinxPostTransform):
    """Puts the inside of each such section into <details>, its heading into <summary>."""

    default_priority = 5
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Runs once a page."""
        for deeper in list(self.document.findall(nodes.section)):
            if deeper[0].astext() != "Deeper":
                continue
            for section in (child for child in deeper if isinstance(child, nodes.section)):
                section.insert(1, nodes.raw("", "</summary>", format="html"))
                section.insert(0, nodes.raw("", '<details class="deeper"><summary>', format="html"))
                section.append(nodes.raw("", "</details>", format="html"))


def setup(app: Any) -> dict[str, bool]:
    """Sphinx calls this once."""
    app.add_post_transform(Fold)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
