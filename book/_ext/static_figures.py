"""A figure that needs scripts also stands on the page as a picture, for readers who have none."""

from typing import Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

WIDGET = "application/vnd.jupyter.widget-view+json"
SENTENCE = "<p>With scripts on, this figure can be touched. Here it stands still.</p>"


class StandStill(SphinxPostTransform):
    """Puts the picture of an output that is a widget and a picture into <noscript>, before the widget."""

    default_priority = 3  # MyST-NB chooses one kind of each output at 4
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Runs once a page."""
        for bundle in self.document.findall(
            lambda n: n.get("nb_element") == "mime_bundle" if hasattr(n, "get") else False
        ):
            kinds = {child["mime_type"]: child for child in bundle.children}
            if WIDGET in kinds and "image/png" in kinds:
                still = [nodes.raw("", "<noscript>", format="html"), *kinds["image/png"].children]
                kinds[WIDGET][:0] = [*still, nodes.raw("", f"{SENTENCE}</noscript>", format="html")]


def setup(app: Any) -> dict[str, bool]:
    """Sphinx calls this once."""
    app.add_post_transform(StandStill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
