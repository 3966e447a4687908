"""What the figures that can be touched share: in Jupyter, VS Code and Colab, and on a page without a kernel.

Python computes and checks; the modules in `js` draw and respond. What it shows is data in JSON, never code.
"""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets
from matplotlib.figure import Figure

from .modules import joined


class Touchable(anywidget.AnyWidget):
    """What the figures share: the module that draws them, and a picture for where no script runs.

    A figure is a subclass that says in `module` which file of `js` draws it.
    """

    module: ClassVar[str]
    _css = Path(__file__).parent / "figures.css"
    figure = traitlets.Unicode(read_only=True).tag(sync=True)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "module" in vars(cls):
            cls._esm = joined(f"{cls.module}.js")

    @traitlets.default("figure")
    def _name_module(self) -> str:
        return self.module

    def picture(self) -> Figure:
        """The figure's present state, drawn by matplotlib."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        png = io.BytesIO()
        self.picture().savefig(png, format="png", dpi=80)
        return {**data, "image/png": base64.b64encode(png.getvalue()).decode()}, metadata
