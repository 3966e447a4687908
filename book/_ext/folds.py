"""Folded code says what it does: a cell's `code_prompt_show` names its fold, closed or open.

MyST-NB gives every fold of a page one and the same name for screen readers, and two lines for eyes.
"""

from typing import Any

from myst_nb.sphinx_ import HideCodeCellNode


def open_fold(translator: Any, node: HideCodeCellNode) -> None:
    """Writes the beginning of a fold with its name."""
    classes = " ".join(["hide", *node["classes"]])
    name = translator.encode(node["prompt_show"])
    translator.body.append(f'<details class="{classes}"><summary>Code: {name}</summary>\n')


def close_fold(translator: Any, node: HideCodeCellNode) -> None:
    """Writes its end."""
    translator.body.append("</details>\n")


def setup(app: Any) -> dict[str, bool]:
    """Sphinx calls this once."""
    app.add_node(HideCodeCellNode, override=True, html=(open_fold, close_fold))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
