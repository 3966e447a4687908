"""A page that refers to a formula of another page carries a hidden copy, under that page's title, for `tips.js`."""

from typing import Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform


class Carry(SphinxPostTransform):
    """Puts the copies at the page's end."""

    default_priority = 20  # once references are resolved
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Runs once a page."""
        domain, builder, here = self.env.get_domain("math"), self.app.builder, self.env.docname
        targets = {node.get("refuri") for node in self.document.findall(nodes.reference)}
        for label, (docname, _) in domain.equations.items():
            address = f"equation-{nodes.make_id(label)}"
            if docname != here and f"{builder.get_relative_uri(here, docname)}#{address}" in targets:
                formula = next(
                    one for one in self.env.get_doctree(docname).findall(nodes.math_block) if one.get("label") == label
                )
                copy = nodes.math_block(formula.astext(), formula.astext(), nowrap=formula["nowrap"], number=None)
                hidden = nodes.raw("", f'<div hidden id="preview-{address}">', format="html")
                title = nodes.paragraph("", self.env.titles[docname].astext())
                self.document.extend([hidden, title, copy, nodes.raw("", "</div>", format="html")])


def setup(app: Any) -> dict[str, bool]:
    """Sphinx calls this once."""
    app.add_post_transform(Carry)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
