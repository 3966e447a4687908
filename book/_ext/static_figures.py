"""The figures on the built pages: the modules that draw them, and a picture for readers who have no scripts."""

import re
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.transforms.post_transforms import SphinxPostTransform

from safegrid.figures.modules import MODULES, classic, entries, ordered

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


def announce_modules(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Names the modules of a page's figures in its head, so that a browser fetches them all at once."""
    if WIDGET not in context.get("body", ""):
        return
    _, state = NbMetadataCollector.get_js_files(app.env, page)["ipywidgets_state"]
    figures = re.findall(r'"figure": "(\w+)"', state["body"])
    for module in sorted({module for figure in figures for module in ordered(f"{figure}.js")}):
        address = context["pathto"](f"_static/figures/{module}", resource=True)
        context["metatags"] += f'\n<link rel="modulepreload" href="{address}">'


def serve_modules(app: Any, exception: Exception | None) -> None:
    """Puts the page's modules beside its runtime, as they are, and for pages opened from a file as classic scripts."""
    if exception or app.builder.format != "html":
        return
    target = Path(app.outdir) / "_static" / "figures"
    shutil.rmtree(target, ignore_errors=True)  # a module that is gone must not stay
    shutil.copytree(MODULES, target, ignore=lambda _, names: [name for name in names if not name.endswith(".js")])
    (target / "classic").mkdir()
    for entry in entries():
        (target / "classic" / entry).write_text(classic(entry), encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Sphinx calls this once."""
    app.add_post_transform(StandStill)
    app.connect("html-page-context", announce_modules)
    app.connect("build-finished", serve_modules)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
